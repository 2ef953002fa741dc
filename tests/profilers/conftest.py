"""What every session is given."""

from pathlib import Path

import pytest


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "m.mlmodel").write_bytes(b"x")
    return tmp_path / "m.mlmodel"
