"""coremltools' own tests of the operations, which run on Macs only, pass with the evaluator as `predict`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[5] / "benchmarks" / "coreml_op_tests.py"
PLACES = [
    "iOS14/test_image_resizing.py",
    "iOS14/test_pool.py",
    "iOS14/test_recurrent.py",
    "iOS14/test_scatter_gather.py",
    "iOS17/test_tensor_transformation.py",
    "iOS18/test_compression.py",
    "iOS18/test_states.py",
]


@pytest.mark.slow
def test_apples_expected_values_are_the_evaluators() -> None:
    result = subprocess.run(
        [sys.executable, PROGRAM, "--each", "1", *PLACES],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stdout[-3000:]
    passed = next(
        word
        for word, after in zip(result.stdout.split(), result.stdout.split()[1:], strict=False)
        if after.startswith("passed")
    )
    assert int(passed) > 60
