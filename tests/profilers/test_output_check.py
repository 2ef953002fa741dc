"""The check of a device's outputs, from the files that a runner leaves: each output is read, judged and named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device_harness.local import LocalDevice
from device_harness.runners.bench_document import BenchDocument, Tensor
from device_harness.runners.in_process import LitertInProcess
from device_harness.runners.runner import RunRequest
from exporter.data.verdict import Status
from exporter.gates.readings import judge_outputs
from profilers.bench import Bench, Work
from profilers.clock import SystemClock
from profilers.plan import ProfilePlan
from profilers.readers.documents import DocumentReader
from profilers.result import OutputCheck
from profilers.stages.outputs import Reference, check_outputs, make_reference

Change = Callable[[str, Any], Any]


class Saying(LitertInProcess):
    """A runner on a device that has printed `document` already."""

    def __init__(self, document: BenchDocument, folder: Path, returncode: int = 0) -> None:
        self._file = folder / "document.json"
        self._file.write_text(document.model_dump_json())
        self._returncode = returncode

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        return ["sh", "-c", f"cat '{self._file}'; exit {self._returncode}"], {}


@pytest.fixture
def reference(shared: Path, tmp_path: Path) -> Reference:
    """Inputs and outputs of a real model, with a second output beside the first."""
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    (tmp_path / "here").mkdir()
    with LocalDevice() as here:
        found = make_reference(
            here, LitertInProcess(), shared / "models" / "resnet8_cifar10_float.tflite", tmp_path / "here", 0
        )
    second = tmp_path / "here" / "second.bin"
    np.arange(6, dtype="<f4").tofile(second)
    extra = Tensor(name="second", dtype="float32", shape=(2, 3), sha256="2" * 64, file=str(second))
    document = found.document.model_copy(update={"outputs": (*found.document.outputs, extra)})
    return Reference(document, found.folder)


@pytest.fixture
def checked(reference: Reference, tmp_path: Path) -> Callable[..., OutputCheck]:
    """Checks a device whose outputs are the reference's, each changed by a function of its name and values."""

    def check(change: Change = lambda name, values: values, returncode: int = 0) -> OutputCheck:
        outputs = []
        for position, tensor in enumerate(reference.document.outputs):
            ours = np.fromfile(tensor.file or "", "<f4").reshape(tensor.shape)
            theirs = change(tensor.name, ours.copy())
            file = tmp_path / f"theirs_{position}.bin"
            theirs.tofile(file)
            digest = tensor.sha256 if np.array_equal(ours, theirs) else "9" * 64
            outputs.append(tensor.model_copy(update={"file": str(file), "sha256": digest, "shape": theirs.shape}))
        document = reference.document.model_copy(update={"outputs": tuple(outputs)})
        with LocalDevice() as device:
            runner = Saying(document, tmp_path, returncode)
            bench = Bench(runner, DocumentReader())
            work = Work(device, device.info(), ProfilePlan(), bench, SystemClock(), Path("m"), "m", ())
            return check_outputs(work, reference)

    return check


def on_second(value: float, *, at: tuple[int, int] = (1, 2)) -> Change:
    def change(name: str, values: Any) -> Any:
        if name == "second":
            values[at] = value
        return values

    return change


def test_equal_outputs_pass(checked: Any) -> None:
    found = checked()
    assert found.identical
    assert judge_outputs("m", found).status is Status.PASSED


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_lost_value_of_the_second_output_fails_and_is_named(checked: Any, value: float) -> None:
    """The first output is right, and 30 times as large: pooled, the loss would not be seen."""
    verdict = judge_outputs("m", checked(on_second(value)))
    assert verdict.status is Status.FAILED
    assert "output 'second': 1 of 6 values are NaN or infinite where this machine's are finite" in verdict.reason


def test_a_wrong_value_fails_and_is_named(checked: Any) -> None:
    found = checked(on_second(-5.0))
    assert found.worst == "second"
    assert judge_outputs("m", found).status is Status.FAILED


def test_a_small_difference_is_judged_at_the_worst_output(checked: Any) -> None:
    """5.001 instead of 5 in [0..5]: 10 log10(55 / 1e-6) = 77.4 dB."""
    found = checked(on_second(5.001))
    assert found.snr_db == pytest.approx(77.4, abs=0.01)
    assert "'second'" in found.reason
    assert judge_outputs("m", found).status is Status.PASSED


def test_another_shape_fails(checked: Any) -> None:
    found = checked(lambda name, values: values.reshape(-1) if name == "second" else values)
    assert judge_outputs("m", found).status is Status.FAILED
    assert "float32[6] on the device and float32[2, 3] here" in found.reason


def test_a_reference_with_nan_is_not_checked(checked: Any, reference: Reference) -> None:
    """Equal bytes of a NaN prove nothing."""
    second = reference.document.outputs[1].file
    np.array([0, 1, np.nan, 3, 4, 5], "<f4").tofile(second or "")
    verdict = judge_outputs("m", checked())
    assert verdict.status is Status.NOT_CHECKED
    assert "'second': 1 of 6 values" in verdict.reason


def test_a_check_that_fails_itself_loses_nothing_else(checked: Any) -> None:
    """A runner that crashes on the reference's inputs: not checked, with its words; the readings stay."""
    found = checked(returncode=9)
    assert not found.checked
    assert "ended with 9" in found.reason
    assert judge_outputs("m", found).status is Status.NOT_CHECKED
