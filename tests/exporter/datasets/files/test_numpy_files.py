"""Damaged files of numpy are refused in words, whichever of its libraries finds the damage."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.datasets.files.numpy_files import read_array, read_arrays


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.booleans(), st.floats(0, 1, exclude_max=True), st.binary(max_size=6), st.booleans())
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, packed: bool, share: float, put: bytes, short: bool) -> None:
    path = tmp_path / "x.npz"
    (np.savez_compressed if packed else np.savez)(path, x=np.arange(40.0), y=np.arange(3))
    content = path.read_bytes()
    place = int(share * len(content))
    path.write_bytes(content[:place] + put + (b"" if short else content[place + len(put) :]))
    try:
        read_arrays(path)
    except UsageProblem as error:
        assert "x.npz cannot be read" in str(error)  # noqa: PT017 - what is not refused is read


def test_one_array_and_several_are_told_apart(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros(3))
    np.savez(tmp_path / "several.npz", x=np.zeros(3))
    assert read_array(tmp_path / "one.npy").shape == (3,)
    assert set(read_arrays(tmp_path / "several.npz")) == {"x"}
    with pytest.raises(UsageProblem, match="one array without a name"):
        read_arrays(tmp_path / "one.npy")
    with pytest.raises(UsageProblem, match="holds several arrays"):
        read_array(tmp_path / "several.npz")


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(UsageProblem, match="cannot be read"):
        read_array(tmp_path / "x.npy")
