"""Runs a model on the device with inputs of this machine, and compares the outputs."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from device_harness.bench_document import BenchDocument, Tensor
from device_harness.errors import CommandFailedError, CommandTimeoutError, TransferError, UnreadableOutputError
from device_harness.protocol import Device
from device_harness.runners.documents import DocumentRunner, LitertInProcess, RunRequest, run_document
from profilers.outputs import Difference, compare_output, worst_of
from profilers.plan import ProfilePlan


class OutputCheck(BaseModel):
    """What a device computed against this machine, judged at its worst output.

    Attributes:
        snr_db: signal-to-noise ratio of the worst output; infinite when all are equal, None when there is none.
        identical: whether every byte is the same.
        reason: with what they were compared, or why they are wrong or not comparable.
        worst: name of the output that `snr_db` and `reason` are of.
        wrong: whether it is wrong whatever the ratio: a NaN or infinity, a value far off, a shape, a missing output.
        checked: False when nothing can be said, for example because this machine's own outputs are not finite.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    snr_db: float | None
    identical: bool
    reason: str
    worst: str | None = None
    wrong: bool = False
    checked: bool = True


class Reference(NamedTuple):
    """Inputs and outputs of this machine: the document, and the folder with the files that it names."""

    document: BenchDocument
    folder: Path


def make_reference(device: Device, model: Path, folder: Path, seed: int) -> Reference:
    """Run `model` once on this machine (`device`), and keep inputs and outputs in `folder`."""
    request = RunRequest(model=str(model.resolve()), warmup_runs=1, warmup_min_s=0, runs=1, min_s=0, limit_s=600,
                         threads=1, seed=seed, output_folder=str(folder))  # fmt: skip
    runner = _KeepingInputs(folder)
    return Reference(run_document(device, runner, request), folder)


def check_outputs(
    device: Device, remote: str, runner: DocumentRunner, plan: ProfilePlan, reference: Reference
) -> OutputCheck:
    """Feed the reference's inputs to the model on the device and compare what comes out, tensor by tensor."""
    inputs = {
        tensor.name: device.push(Path(tensor.file or ""), f"input_{position}.bin")
        for position, tensor in enumerate(reference.document.inputs)
    }
    request = RunRequest(
        model=remote, warmup_runs=0, warmup_min_s=0, runs=1, min_s=0, limit_s=plan.limit_s, threads=plan.threads,
        accelerator=plan.accelerator, inputs=inputs, output_folder=device.workspace,
    )  # fmt: skip
    try:
        document = run_document(device, runner, request)
        return _compare(device, document, reference)
    except (CommandFailedError, CommandTimeoutError, TransferError, UnreadableOutputError) as error:
        return OutputCheck(snr_db=None, identical=False, checked=False, reason=f"the check itself failed: {error}")


def _compare(device: Device, document: BenchDocument, reference: Reference) -> OutputCheck:
    given = {tensor.name: tensor for tensor in document.outputs}
    wanted = reference.document.outputs
    missing = [tensor.name for tensor in wanted if tensor.name not in given]
    if missing:
        words = f"the device gave no output {missing[0]!r}"
        return OutputCheck(snr_db=None, identical=False, reason=words, worst=missing[0], wrong=True)
    if not wanted:
        return OutputCheck(snr_db=None, identical=False, reason="the model has no outputs", checked=False)
    with tempfile.TemporaryDirectory() as folder:
        found = [
            _difference(device, tensor, given[tensor.name], Path(folder, f"{position}.bin"))
            for position, tensor in enumerate(wanted)
        ]
    worst = worst_of(found)
    identical = all(tensor.sha256 == given[tensor.name].sha256 for tensor in wanted)
    compared = f"compared with {reference.document.runner.runtime} here, the worst of {len(wanted)}: {worst.name!r}"
    usual = "every byte is that of this machine" if identical else compared
    return OutputCheck(
        snr_db=worst.snr_db, identical=identical, reason=worst.wrong or worst.unchecked or usual, worst=worst.name,
        wrong=worst.wrong is not None, checked=worst.unchecked is None,
    )  # fmt: skip


def _difference(device: Device, ours: Tensor, theirs: Tensor, local: Path) -> Difference:
    """Of one output; what is equal by its digest is not copied here, but still looked at for NaN and infinity."""
    try:
        wanted = read_tensor(ours, Path(ours.file or ""))
        if theirs.sha256 == ours.sha256 and (theirs.dtype, theirs.shape) == (ours.dtype, ours.shape):
            return compare_output(ours.name, wanted, wanted)
        device.pull(theirs.file or "", local)
        return compare_output(ours.name, wanted, read_tensor(theirs, local))
    except (TypeError, ValueError) as error:
        return Difference(ours.name, None, unchecked=f"output {ours.name!r} cannot be read: {error}")


class _KeepingInputs(LitertInProcess):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        command, env = super().command(request)
        return [*command, "--input-folder", str(self._folder)], env


def read_tensor(tensor: Tensor, path: Path) -> "np.ndarray":  # type: ignore[type-arg]
    """The values of `tensor` from the file at `path` on this machine."""
    return np.fromfile(path, dtype=np.dtype(tensor.dtype).newbyteorder("<")).reshape(tensor.shape)
