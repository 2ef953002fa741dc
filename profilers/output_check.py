"""Runs a model on the device with inputs of this machine, and compares the outputs."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from device_harness.bench_document import BenchDocument, Tensor
from device_harness.device import Device
from device_harness.runners.documents import DocumentRunner, LitertInProcess, RunRequest, run_document
from profilers.outputs import signal_to_noise_db
from profilers.plan import ProfilePlan


class OutputCheck(BaseModel):
    """What a device computed against this machine.

    Attributes:
        snr_db: signal-to-noise ratio of the outputs; infinite when they are equal, None when not comparable.
        identical: whether every byte is the same.
        reason: why they are not comparable, or with what they were compared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    snr_db: float | None
    identical: bool
    reason: str


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
    document = run_document(device, runner, request)
    given = {tensor.name: tensor for tensor in document.outputs}
    wanted = reference.document.outputs
    missing = [tensor.name for tensor in wanted if tensor.name not in given]
    if missing:
        return OutputCheck(snr_db=None, identical=False, reason=f"the device gave no output {missing[0]!r}")
    if all(tensor.sha256 == given[tensor.name].sha256 for tensor in wanted):
        return OutputCheck(snr_db=float("inf"), identical=True, reason="every byte is that of this machine")
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for position, tensor in enumerate(wanted):
            local = Path(folder, f"{position}.bin")
            device.pull(given[tensor.name].file or "", local)
            found.append(read_tensor(given[tensor.name], local))
        try:
            snr = signal_to_noise_db([read_tensor(tensor, Path(tensor.file or "")) for tensor in wanted], found)
        except ValueError as error:
            return OutputCheck(snr_db=None, identical=False, reason=str(error))
    return OutputCheck(snr_db=snr, identical=False, reason=f"compared with {reference.document.runner.runtime} here")


class _KeepingInputs(LitertInProcess):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        command, env = super().command(request)
        return [*command, "--input-folder", str(self._folder)], env


def read_tensor(tensor: Tensor, path: Path) -> "np.ndarray":  # type: ignore[type-arg]
    """The values of `tensor` from the file at `path` on this machine."""
    return np.fromfile(path, dtype=np.dtype(tensor.dtype).newbyteorder("<")).reshape(tensor.shape)
