"""Runners that print a BenchDocument on standard output: what they have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from device_harness.errors import CommandFailedError
from device_harness.protocol import Device
from device_harness.runners.bench_document import BenchDocument, parse_bench_document
from device_harness.runners.runner import RunRequest


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
        result = device.run(command, timeout_s=request.longest_s, env=env)
        if result.returncode != 0:
            words = _last_words(result.errors.splitlines())
            raise CommandFailedError(
                f"{device.serial}: {self.name} ended with {result.returncode} on {Path(request.model).name}: {words}",
                serial=device.serial,
            )
        return parse_bench_document(result.stdout, f"{self.name} on {device.serial}")


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
    if request.output_folder is not None:
        command += ["--output-folder", request.output_folder]
    return command


def _last_words(lines: Sequence[str]) -> str:
    told = [line for line in lines if line.strip() and not line.startswith("INFO:")]
    return told[-1].strip() if told else "it said nothing; a damaged model makes LiteRT crash"
