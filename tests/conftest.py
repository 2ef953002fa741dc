"""Fixtures for every test: the shared folder when there is one, and a command line to run as a user would."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from exporter.execution.garbage import process_is_ours
from tests.warm import run_installed, run_warm

# Shared machines are slow at times; what is tested is what comes out, not how fast. The examples are the same in every
# run, so that a commit is green or is not; HYPOTHESIS_PROFILE=explore draws others, and many more.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# Processes that run side by side share the cores: each takes one, and so does what it starts. Threads that wait for a
# core that another process has make a test take several times as long.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")

# What `make quick` leaves out besides the tests marked one by one, and does not even import: each of these takes four
# seconds and more of a core.
HEAVY = (
    "device_harness/apple/test_commands.py",
    "device_harness/apple/test_contract.py",
    "device_harness/apple/test_coreml_runner.py",
    "device_harness/apple/test_sessions.py",
    "device_harness/runners",
    "device_harness/test_adb.py",
    "exporter/cli/test_start.py",
    "exporter/compression/test_contract.py",
    "exporter/compression/test_structure.py",
    "exporter/compression/test_training.py",
    "exporter/formats/common",
    "exporter/formats/coreml/reference/test_images.py",
    "exporter/formats/coreml/reference/test_layers.py",
    "exporter/formats/coreml/reference/test_model.py",
    "exporter/formats/coreml/reference/test_numbers.py",
    "exporter/formats/coreml/reference/test_package.py",
    "exporter/formats/coreml/test_activations.py",
    "exporter/formats/coreml/test_conversion.py",
    "exporter/formats/coreml/test_counts.py",
    "exporter/formats/coreml/test_inspection.py",
    "exporter/formats/coreml/test_kmeans.py",
    "exporter/formats/coreml/test_routes.py",
    "exporter/report/test_readings_of_devices.py",
    "exporter/sizes/test_codecs.py",
    "exporter/sources/test_digests.py",
    "exporter/use_cases/test_budget.py",
    "exporter/use_cases/test_inputs.py",
    "exporter/use_cases/test_isolation.py",
    "exporter/use_cases/test_profile.py",
    "exporter/use_cases/test_schema.py",
)

# They look at one run, which takes half a minute (`finished` of exporter/use_cases/conftest.py).
TOGETHER = tuple(
    f"tests/exporter/use_cases/{name}.py"
    for name in ("job/test_interruptions", "test_commands", "test_handoff", "test_report_in_browser", "test_run")
)

# Minutes of one process each, in the order in which they begin: what begins last has nobody to share with.
LONGEST = (TOGETHER[0], "tests/exporter/use_cases/search/test_search.py", "tests/exporter/execution/test_cluster.py")

# What the program loads is set aside at once, as in a command, and not before the next test alone.
process_is_ours()

LOADED = pytest.StashKey[int]()
"""How many modules were loaded when they were last set aside; see `pytest_runtest_setup`."""

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what needs a Mac and what is heavy; the longest files come first, so that no process ends late."""
    for item in items:
        if item.get_closest_marker("mac") and sys.platform != "darwin":
            item.add_marker(pytest.mark.skip(reason="needs Core ML itself: a Mac"))
    for item in items:
        if _is_heavy(item.path):
            item.add_marker(pytest.mark.slow)
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (_turn(item.nodeid.partition("::")[0]), item.path not in long))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Importing what would be left out afterwards takes a third of the time of the quick tests."""
    return True if config.option.markexpr == "not slow" and _is_heavy(collection_path) else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file in one process, and the files of `TOGETHER` in the same one."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TOGETHER[0] if file in TOGETHER else file

    return Together(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Sets libraries that were loaded aside, where the search for garbage does not go.

    TensorFlow and torch are two million objects. onnx2tf has them all searched twice a conversion, two thirds of a
    second each time, and so does Python now and then: half of the time of a test that converts one layer.
    """
    loaded = len(sys.modules)
    if loaded - item.config.stash.get(LOADED, 0) > 100:
        gc.collect()
        gc.freeze()
        item.config.stash[LOADED] = loaded


def _turn(file: str) -> int:
    file = TOGETHER[0] if file in TOGETHER else file
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


@cache
def _is_heavy(path: Path) -> bool:
    """Asked for every test, and a file has many."""
    return any(path.is_relative_to(Path(__file__).parent / place) for place in HEAVY)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """A shell starts background jobs with Ctrl-C ignored, and programs that tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _devices_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests that run side by side measure on this machine at once; none of them waits for another, nor for a user."""
    os.environ["MOBILE_EXPORT_LEASES"] = str(tmp_path_factory.mktemp("leases"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of larger fixtures, or a skip that says how to have it."""
    folder = os.environ.get("MOBILE_EXPORT_SHARED")
    if not folder:
        pytest.skip("MOBILE_EXPORT_SHARED is not set: the shared models, data and fixtures are not here")
    return Path(folder)


@pytest.fixture
def mobile_export(tmp_path: Path) -> RunCommand:
    """Runs `mobile-export` in an empty folder, in a process that need not start anew; see `tests/warm.py`."""
    return lambda *arguments, **options: run_warm(arguments, **{"cwd": tmp_path, **options})


@pytest.fixture
def installed(tmp_path: Path) -> RunCommand:
    """Runs the installed program in an empty folder, as a user starts it."""
    return lambda *arguments, **options: run_installed(arguments, **{"cwd": tmp_path, **options})
