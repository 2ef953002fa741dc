"""What a device computes of the evaluation data: sent once, run in batches, judged as this machine's outputs are."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device_harness.digests import file_digest, tree_digest
from device_harness.errors import DeviceError, UnreadableOutputError
from device_harness.kept import keep
from device_harness.protocol import Device
from device_harness.runners.bench_document import BenchDocument, Tensor, parse_bench_document
from device_harness.runners.runner import Runner
from exporter.formats.artifact_runner import Answered
from exporter.store.cache import Cache, key_of
from exporter.verification.compare import Indices
from profilers.bench import request_of
from profilers.difference import Difference, worst_of
from profilers.losses import Losses
from profilers.outputs import compare_output
from profilers.plan import ProfilePlan
from profilers.result import OutputCheck

BATCH = 256
"""Examples a process: what a lost connection costs at most."""

Batch = Callable[[Indices], Sequence[NDArray[Any]]]
"""The arrays of the examples of one run, as the source takes them."""

Outputs = Mapping[str, NDArray[Any]]


class Computed(NamedTuple):
    """What a device made of the data.

    Attributes:
        name: what ran there, and where.
        check: its outputs against this machine's.
    """

    name: str
    check: OutputCheck


@dataclass(frozen=True)
class There:
    """An artifact on an open device, and the data that it is to compute.

    Attributes:
        runner: that takes several examples a process.
        answered: is taught what the device computes.
        runs: indices of the examples of each run of the artifact.
        batch: reads them.
        cache: keeps finished batches until all are done, so that a later command goes on where this one was stopped.
    """

    device: Device
    runner: Runner[BenchDocument]
    path: Path
    plan: ProfilePlan
    answered: Answered
    runs: Sequence[Indices]
    batch: Batch
    cache: Cache
    losses: Losses

    def compute(self) -> Computed:
        """Send, run, fetch, and teach `answered`.

        Raises:
            DeviceError: the device is lost, full or refuses; what was finished is kept for the next time.
            ToolError: the artifact's inputs or outputs are not what its runner takes and gives.
        """
        with tempfile.TemporaryDirectory(prefix="mobile-export-") as folder:
            files = self._files(Path(folder))
            self.runner.prepare(self.device)
            remote = self.runner.place(self.device, self.path, f"{tree_digest(self.path)[:8]}-{self.path.name}")
            kept = {name: keep(self.device, file) for name, file in files.items()}
            key = key_of(
                "computed on a device",
                tree_digest(self.path),
                {name: file_digest(file) for name, file in files.items()},
                self.device.info().model_dump(mode="json"),
                self.plan.conditions(),
            )
        firsts = range(0, len(self.runs), BATCH)
        entries = [self._batch(remote, kept, first, f"{key}-{first}") for first in firsts]
        found = [
            read_batch(entry, min(BATCH, len(self.runs) - first)) for entry, first in zip(entries, firsts, strict=True)
        ]
        computed = self._learnt(found, _document(entries[0]))
        for first in firsts:  # finished: the next command is to ask the device anew
            self.cache.drop(f"{key}-{first}")
        return computed

    def _files(self, folder: Path) -> dict[str, Path]:
        """One an input, with all examples one after the other."""
        files: dict[str, Path] = {}
        for run in self.runs:
            for position, (name, value) in enumerate(self.answered.encoded(self.batch(run)).items()):
                files[name] = folder / f"{position}.bin"
                with files[name].open("ab") as file:
                    file.write(np.ascontiguousarray(value).tobytes())
        return files

    def _batch(self, remote: str, kept: Mapping[str, str], first: int, key: str) -> Path:
        """The cache's folder with the outputs of a batch, computed now where it is not there."""
        found = self.cache.find(key)
        made: list[Path] = [] if found is None else [found]

        def work() -> None:
            made.append(self.cache.store(key, lambda folder: self._run(remote, kept, first, folder)))

        if not made and not self.losses.done(work):
            assert self.losses.end is not None
            raise type(self.losses.end)(
                f"{self.losses.end} {first} of {len(self.runs)} examples were computed, and are kept: the same command "
                "goes on there.",
                serial=self.device.serial,
            )
        return made[0]

    def _run(self, remote: str, kept: Mapping[str, str], first: int, folder: Path) -> None:
        count = min(BATCH, len(self.runs) - first)
        request = request_of(self.plan, remote)._replace(
            warmup_runs=0,
            warmup_min_s=0,
            runs=1,
            min_s=0,
            inputs=kept,
            output_folder=self.device.workspace,
            first=first,
            examples=count,
        )
        document = self.runner.run(self.device, request)
        self.losses.lease.check()
        if self.plan.accelerator != "cpu" and document.acceleration.used == "cpu":
            unit = self.plan.accelerator.upper()
            raise DeviceError(f"the {unit} was asked for, and the CPU computed it", serial=self.device.serial)
        for position, tensor in enumerate(document.outputs):
            self.device.pull(tensor.file or "", folder / f"{position}.bin")
        (folder / "document.json").write_text(document.model_dump_json(), encoding="utf-8")
        read_batch(folder, count)

    def _learnt(self, batches: Sequence[Outputs], document: BenchDocument) -> Computed:
        theirs = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
        ours: dict[str, list[NDArray[Any]]] = {name: [] for name in theirs}
        for number, run in enumerate(self.runs):
            inputs = self.batch(run)
            self.answered.learn(inputs, {name: values[number] for name, values in theirs.items()})
            for name, value in self.answered.computed_here(inputs).items():
                ours[name].append(value)
        info = self.device.info()
        where = f"{document.runner.runtime}, computed on {info.model or 'the device'} ({self.device.serial})"
        return Computed(where, checked({name: np.stack(values) for name, values in ours.items()}, theirs))


def checked(ours: Outputs, theirs: Outputs) -> OutputCheck:
    """All examples of the data at once, the worst output judged."""
    found = [compare_output(name, value, theirs[name]) for name, value in ours.items()]
    worst: Difference = worst_of(found)
    count = len(next(iter(ours.values())))
    alike = sum(
        all(ours[name][place].tobytes() == theirs[name][place].tobytes() for name in ours) for place in range(count)
    )
    words = f"{alike} of {count} examples of the evaluation data have this machine's outputs to the byte"
    return OutputCheck(
        snr_db=worst.snr_db,
        identical=alike == count,
        reason=worst.wrong or worst.unchecked or words,
        worst=worst.name,
        wrong=worst.wrong is not None,
        checked=worst.unchecked is None,
    )


def read_batch(folder: Path, count: int) -> Outputs:
    """The outputs of `count` examples that a device computed, by name; the examples are the first axis.

    Raises:
        UnreadableOutputError: a file is not what its document says.
    """
    return {
        tensor.name: _values(folder / f"{position}.bin", tensor, count)
        for position, tensor in enumerate(_document(folder).outputs)
    }


def _document(folder: Path) -> BenchDocument:
    return parse_bench_document((folder / "document.json").read_bytes(), str(folder))


def _values(file: Path, tensor: Tensor, count: int) -> NDArray[Any]:
    values = np.fromfile(file, dtype=np.dtype(tensor.dtype).newbyteorder("<"))
    size = int(np.prod(tensor.shape))
    if values.size != count * size:
        raise UnreadableOutputError(
            f"output {tensor.name!r} of {count} examples has {values.size} values, not {count * size}: the device's "
            "storage may be full, or the transfer was cut."
        )
    shaped = values.reshape(count, *tensor.shape)
    if _digest(shaped[-1]) != tensor.sha256:
        raise UnreadableOutputError(f"output {tensor.name!r} arrived with another digest than the device gave it.")
    return shaped


def _digest(values: NDArray[Any]) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()
