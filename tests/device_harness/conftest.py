"""The real adbd, once a worker."""

from collections.abc import Iterator

import pytest

from tests.fakes.adbd import AdbdRig, UnavailableError, adbd_rig


@pytest.fixture(scope="session")
def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbdRig]:
    """A real adbd behind a real adb, or a skip that says why there is none."""
    try:
        with adbd_rig(tmp_path_factory.mktemp("adbd")) as rig:
            yield rig
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def rig(shared_rig: AdbdRig) -> Iterator[AdbdRig]:
    """The rig as a test finds it: connected, no fault set."""
    (shared_rig.folder / "fault").write_text("none\n")
    shared_rig.connect()
    yield shared_rig
    (shared_rig.folder / "fault").write_text("none\n")
