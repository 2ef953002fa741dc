"""Core ML itself, where there is one, computes what the reference evaluator says that it does."""

from pathlib import Path

import numpy as np
import pytest

from exporter.formats.coreml.reference import ReferenceModel
from tests.exporter.formats.coreml.reference.programs import SmallNet, convert, coremltools

pytestmark = pytest.mark.mac


@pytest.mark.parametrize(("precision", "most"), [("FLOAT32", 1e-4), ("FLOAT16", 1e-2)])
def test_the_evaluator_stands_for_core_ml(tmp_path: Path, precision: str, most: float) -> None:
    """Protects the verdicts that Linux gives: the error is the largest difference over the largest output."""
    path = tmp_path / "m.mlpackage"
    convert(path, SmallNet(), (1, 3, 16, 16), precision=precision)
    ct = coremltools()
    native, evaluator = ct.models.MLModel(str(path), compute_units=ct.ComputeUnit.CPU_ONLY), ReferenceModel(path)
    for seed in range(4):
        given = {"x": np.random.default_rng(seed).standard_normal((1, 3, 16, 16)).astype(np.float32)}
        wanted, found = np.asarray(native.predict(given)["y"]), evaluator.predict(given)["y"]
        assert np.abs(wanted - found).max() / np.abs(wanted).max() < most
