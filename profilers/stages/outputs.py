"""Runs a model on the device with inputs of this machine, and compares the outputs."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from device_harness.errors import CommandFailedError, CommandTimeoutError, TransferError, UnreadableOutputError
from device_harness.protocol import Device
from device_harness.runners.bench_document import BenchDocument, Tensor
from device_harness.runners.runner import Runner, RunRequest
from profilers.bench import Findings, Work
from profilers.difference import Difference, worst_of
from profilers.plan import ProfilePlan
from profilers.result import OutputCheck

if TYPE_CHECKING:
    import numpy as np

REFERENCE_LIMIT_S = 600.0


class Reference(NamedTuple):
    """Inputs and outputs of this machine: the document, and the folder with the files that it names."""

    document: BenchDocument
    folder: Path


class OutputsStage(NamedTuple):
    """Implements `Stage`: feeds the inputs of this machine to the model, and compares the outputs tensor by tensor.

    Attributes:
        references: by the model's path; a model without one is not compared.
    """

    references: Mapping[Path, Reference]

    def __call__(self, work: Work[Any]) -> Findings:
        """See the class."""
        reference = self.references.get(work.path)
        return Findings(outputs=check_outputs(work, reference) if reference is not None else None)


def make_reference(
    device: Device, runner: Runner[BenchDocument], model: Path, folder: Path, seed: int, plan: ProfilePlan | None = None
) -> Reference:
    """Run `model` once on this machine (`device`), as `plan` shapes it; keep inputs and outputs in `folder`."""
    asked = plan or ProfilePlan()
    kept = str(folder)
    request = RunRequest(
        model=str(model.resolve()),
        warmup_runs=1,
        warmup_min_s=0,
        runs=1,
        min_s=0,
        limit_s=REFERENCE_LIMIT_S,
        threads=1,
        seed=seed,
        signature=asked.signature,
        shapes=asked.input_shapes,
        input_folder=kept,
        output_folder=kept,
    )
    return Reference(runner.run(device, request), folder)


def check_outputs(work: Work[Any], reference: Reference) -> OutputCheck:
    """One run with the reference's inputs; a check that fails itself says so and loses nothing else."""
    device = work.device
    inputs = {
        tensor.name: device.push(Path(tensor.file or ""), f"input_{position}.bin")
        for position, tensor in enumerate(reference.document.inputs)
    }
    try:
        document = work.run(
            warmup_runs=0, warmup_min_s=0, runs=1, min_s=0, inputs=inputs, output_folder=device.workspace
        )
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
        snr_db=worst.snr_db,
        identical=identical,
        reason=worst.wrong or worst.unchecked or usual,
        worst=worst.name,
        wrong=worst.wrong is not None,
        checked=worst.unchecked is None,
    )


def _difference(device: Device, ours: Tensor, theirs: Tensor, local: Path) -> Difference:
    """Of one output; what is equal by its digest is not copied here, but still looked at for NaN and infinity."""
    from profilers.outputs import compare_output  # numpy, which whoever made the reference has

    try:
        wanted = read_tensor(ours, Path(ours.file or ""))
        if theirs.sha256 == ours.sha256 and (theirs.dtype, theirs.shape) == (ours.dtype, ours.shape):
            return compare_output(ours.name, wanted, wanted)
        device.pull(theirs.file or "", local)
        return compare_output(ours.name, wanted, read_tensor(theirs, local))
    except (TypeError, ValueError) as error:
        return Difference(ours.name, None, unchecked=f"output {ours.name!r} cannot be read: {error}")


def read_tensor(tensor: Tensor, path: Path) -> "np.ndarray":  # type: ignore[type-arg]
    """The values of `tensor` from the file at `path` on this machine."""
    import numpy as np

    return np.fromfile(path, dtype=np.dtype(tensor.dtype).newbyteorder("<")).reshape(tensor.shape)
