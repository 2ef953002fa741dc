"""Runners that print a BenchDocument: litert_bench on any device, LiteRT's Python interpreter on this machine."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from device_harness.bench_document import BenchDocument, parse_bench_document
from device_harness.errors import CommandFailedError
from device_harness.protocol import Device

# Loading a model, starting an interpreter and copying the document, on a slow device.
START_UP_S = 60.0


class RunRequest(NamedTuple):
    """One process: what it runs and how often. `inputs` are files on the device by tensor name."""

    model: str
    warmup_runs: int
    warmup_min_s: float
    runs: int
    min_s: float
    limit_s: float
    threads: int
    accelerator: str = "cpu"
    cpus: tuple[int, ...] = ()
    seed: int = 0
    inputs: Mapping[str, str] = {}
    output_folder: str | None = None


class DocumentRunner(Protocol):
    """A program that prints a BenchDocument."""

    name: str

    def prepare(self, device: Device) -> None:
        """Put what it needs on the device."""
        ...

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        """Program with arguments, and environment."""
        ...


class LitertBench:
    """The native runner. `prepare` pushes it, and the library where the device has none."""

    name = "litert_bench"

    def __init__(self, program: Path | str, library: Path | str) -> None:
        """Args: a path is pushed; a text is a path on the device."""
        self._program, self._library = program, library
        self._paths = (str(program), str(library))

    def prepare(self, device: Device) -> None:
        """Push."""
        program, library = self._program, self._library
        self._paths = (
            device.push(program, "litert_bench", executable=True) if isinstance(program, Path) else program,
            device.push(library, "libLiteRt.so") if isinstance(library, Path) else library,
        )

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        """See `DocumentRunner.command`."""
        program, library = self._paths
        command = [
            program,
            "--litert-library",
            library,
            "--accelerator",
            request.accelerator,
            *common_arguments(request),
        ]
        command.append("--digest")
        for tensor, path in request.inputs.items():
            command += ["--input", f"{tensor}={path}"]
        return command, {}


class LitertInProcess:
    """LiteRT's Python interpreter in a fresh process of this machine; CPU only."""

    name = "litert_in_process"

    def prepare(self, device: Device) -> None:
        """Nothing to push: it runs here."""
        if device.info().kind != "local":
            raise CommandFailedError("the in-process runner runs on this machine only; use litert_bench on devices")

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        """See `DocumentRunner.command`."""
        command = [sys.executable, "-m", "device_harness.runners.litert_in_process", *common_arguments(request)]
        for path in request.inputs.values():
            command += ["--input", path]
        return command, {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def run_document(device: Device, runner: DocumentRunner, request: RunRequest) -> BenchDocument:
    """Run one process to its end.

    Raises:
        CommandFailedError: it failed; the message has its last words.
        UnreadableOutputError: what it printed is no document.
    """
    command, env = runner.command(request)
    longest = 2 * request.limit_s + START_UP_S
    result = device.run(command, timeout_s=longest, env=env)
    if result.returncode != 0:
        words = _last_words(result.errors.splitlines())
        raise CommandFailedError(
            f"{device.serial}: {runner.name} ended with {result.returncode} on {Path(request.model).name}: {words}",
            serial=device.serial,
        )
    return parse_bench_document(result.stdout, f"{runner.name} on {device.serial}")


def common_arguments(request: RunRequest) -> list[str]:
    """The options that all these programs share."""
    command = [
        "--model", request.model, "--warmup-runs", str(request.warmup_runs), "--warmup-min-s",
        f"{request.warmup_min_s:g}", "--runs", str(request.runs), "--min-s", f"{request.min_s:g}",
        "--threads", str(request.threads), "--seed", str(request.seed), "--limit-s", f"{request.limit_s:g}",
    ]  # fmt: skip
    if request.cpus:
        command += ["--cpus", ",".join(map(str, request.cpus))]
    if request.output_folder is not None:
        command += ["--output-folder", request.output_folder]
    return command


def _last_words(lines: Sequence[str]) -> str:
    told = [line for line in lines if line.strip() and not line.startswith("INFO:")]
    return told[-1].strip() if told else "it said nothing; a damaged model makes LiteRT crash"
