"""Runners that print a BenchDocument on standard output: what they have in common."""

import contextlib
import re
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from device_harness.errors import CommandFailedError, DeviceError
from device_harness.facts import CommandResult
from device_harness.protocol import Device, RunningProcess
from device_harness.runners.bench_document import BenchDocument, parse_bench_document
from device_harness.runners.runner import RunRequest
from device_harness.runners.turns import SLICE_S, Turns

LOOK_S = 0.02
"""Between two looks whether processes that take turns have ended."""

MOST_WORDS, MOST_REASONS = 20, 4
"""Lines of the runtime that are kept, and those that are repeated in an error."""
_REASON = re.compile(r"fail|\bno\b|\bnot\b|unsupported|error|cannot|selected adapter", re.IGNORECASE)
_OF_ACCELERATORS = re.compile(
    r"accelerator could not|registered|selected adapter|no adapters|delegate.*node|replacing \d+|not supported"
    r"|unsupported|failed to|no dispatch|plugins? (were|errs)|no custom tensor|cannot open shared",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^(?:(?:INFO|WARNING|ERROR|Warning): )?(?:[IWEF]\d{4} [0-9:.]+\s+\d+ )?(?:\[?[\w./]+:\d+\]\s*)?")
_SOFTWARE = re.compile(r"selected adapter.*adapterType=CPU", re.IGNORECASE)


class DocumentRunner(ABC):
    """Implements `Runner` by a command that prints one document."""

    name: str

    @abstractmethod
    def prepare(self, device: Device) -> None:
        """See `Runner.prepare`."""

    @abstractmethod
    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        """Program with arguments, and environment."""

    def place(self, device: Device, model: Path, name: str) -> str:
        """Push the file."""
        return device.push(model, name)

    def run(self, device: Device, request: RunRequest) -> BenchDocument:
        """See `Runner.run`."""
        command, env = self.command(request)
        return self._read(device, request, device.run(command, timeout_s=request.longest_s, env=env))

    def run_in_turns(self, device: Device, requests: Sequence[RunRequest]) -> list[BenchDocument]:
        """One process of each, which load and measure in turns; when one fails, the others are ended.

        Raises:
            DeviceError: as `Runner.run`.
        """
        file = f"{device.workspace}/turns-{uuid.uuid4().hex[:12]}"
        given = [
            request._replace(turns=Turns(number, len(requests), SLICE_S, file))
            for number, request in enumerate(requests)
        ]
        found: dict[int, BenchDocument] = {}
        with _started(device, [self.command(request) for request in given]) as running:
            end = time.monotonic() + given[0].longest_s
            while len(found) < len(running):
                for number in (place for place, one in enumerate(running) if place not in found):
                    if running[number].poll() is not None or time.monotonic() > end:
                        found[number] = self._read(device, given[number], running[number].wait(0))
                time.sleep(LOOK_S)
        return [found[number] for number in range(len(given))]

    def _read(self, device: Device, request: RunRequest, result: CommandResult) -> BenchDocument:
        if result.returncode != 0:
            words = _last_words(result.errors.splitlines())
            why = "; ".join(reasons(runtime_words(result.errors))) if request.accelerator != "cpu" else ""
            words += f" ({why})" if why else ""
            raise CommandFailedError(
                f"{device.serial}: {self.name} ended with {result.returncode} on {Path(request.model).name}: {words}",
                serial=device.serial,
            )
        document = parse_bench_document(result.stdout, f"{self.name} on {device.serial}")
        return document if request.accelerator == "cpu" else with_words(document, runtime_words(result.errors))


@contextlib.contextmanager
def _started(
    device: Device, commands: Sequence[tuple[list[str], dict[str, str]]]
) -> Iterator[Sequence[RunningProcess]]:
    """All of them at once; at the end none runs."""
    running: list[RunningProcess] = []
    try:
        for command, env in commands:
            running.append(device.start(command, env=env))
        yield running
    finally:
        for one in running:
            with contextlib.suppress(DeviceError):
                if one.poll() is None:
                    one.kill()
            one.close()


def common_arguments(request: RunRequest) -> list[str]:
    """The options that all these programs share."""
    command = [
        *("--model", request.model),
        *("--warmup-runs", str(request.warmup_runs), "--warmup-min-s", f"{request.warmup_min_s:g}"),
        *("--runs", str(request.runs), "--min-s", f"{request.min_s:g}", "--limit-s", f"{request.limit_s:g}"),
        *("--threads", str(request.threads), "--seed", str(request.seed)),
    ]
    if request.cpus:
        command += ["--cpus", ",".join(map(str, request.cpus))]
    if request.cold:
        command.append("--cold")
    if request.signature is not None:
        command += ["--signature", request.signature]
    for tensor, shape in request.shapes.items():
        command += ["--input-shape", f"{tensor}={','.join(map(str, shape))}"]
    if request.output_folder is not None:
        command += ["--output-folder", request.output_folder]
    if request.examples:
        command += ["--first", str(request.first), "--examples", str(request.examples)]
    if request.turns is not None:
        command += ["--turns", request.turns.argument()]
    return command


def push_inputs(device: Device, inputs: Mapping[str, Path]) -> dict[str, str]:
    """Where the files of inputs lie on the device, by tensor."""
    return {tensor: device.push(path, f"given_{number}.bin") for number, (tensor, path) in enumerate(inputs.items())}


def runtime_words(errors: str) -> tuple[str, ...]:
    """What the runtime said of accelerators: which it loaded, what they took, and why not; each line once."""
    lines = (_PREFIX.sub("", line).strip() for line in errors.splitlines() if _OF_ACCELERATORS.search(line))
    return tuple(dict.fromkeys(line for line in lines if line))[:MOST_WORDS]


def reasons(words: Sequence[str]) -> tuple[str, ...]:
    """Of what the runtime said, the last that tells why an accelerator did not take the work."""
    return tuple(line for line in words if _REASON.search(line))[-MOST_REASONS:]


def with_words(document: BenchDocument, words: Sequence[str]) -> BenchDocument:
    """`document` with what the runtime said; a GPU that a program of the CPU acts out is the CPU."""
    said = {"notes": (*document.acceleration.notes, *words)}
    if any(_SOFTWARE.search(line) for line in words):
        said = {**said, "used": "cpu", "fully_accelerated": False}  # type: ignore[dict-item]
    return document.model_copy(update={"acceleration": document.acceleration.model_copy(update=said)})


def _last_words(lines: Sequence[str]) -> str:
    told = [line for line in lines if line.strip() and not line.startswith("INFO:")]
    return told[-1].strip() if told else "it said nothing; a damaged model makes LiteRT crash"
