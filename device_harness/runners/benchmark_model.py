"""The two programs called ``benchmark_model``: told apart, and started with exact counts."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from device_harness.errors import CommandFailedError, UnreadableOutputError
from device_harness.facts import CommandResult
from device_harness.protocol import Device, Shell
from device_harness.runners.runner import RunRequest

KNOWN_PLACES = ("/data/local/tmp/benchmark_model", "/usr/local/bin/benchmark_model", "/usr/bin/benchmark_model")


def identify(device: Shell, program: str) -> str:
    """Which program lies at `program` on the device: ``litert_bench``, ``tflite`` or ``litert``.

    Both benchmark_model print their options and end with 1 on ``--help``; only LiteRT's has ``--use_npu``, only the
    interpreter's has ``--use_nnapi``.

    Raises:
        CommandFailedError: it cannot be run there.
        UnreadableOutputError: it is another program.
    """
    result = device.run([program, "--help"], timeout_s=30)
    words = result.text + result.errors
    if result.returncode in (126, 127):
        raise CommandFailedError(
            f"{device.serial}: {program} cannot be run there: {words.strip()[-200:]}. Is it built for this device?",
            serial=device.serial,
        )
    if words.startswith("litert_bench:"):
        return "litert_bench"
    if "--graph" in words and "use_npu" in words:
        return "litert"
    if "--graph" in words:
        return "tflite"
    raise UnreadableOutputError(f"{program} on {device.serial} is neither litert_bench nor a benchmark_model.")


def benchmark_command(program: str, family: str, request: RunRequest) -> list[str]:
    """The command line of either program, with both minimum times set so that counts are exact unless asked longer."""
    command = [
        program,
        f"--graph={request.model}",
        f"--num_runs={request.runs}",
        f"--min_secs={request.min_s:g}",
        f"--max_secs={request.limit_s:g}",
        f"--warmup_runs={request.warmup_runs}",
        f"--warmup_min_secs={request.warmup_min_s:g}",
        f"--num_threads={request.threads or -1}",
    ]
    if request.accelerator == "gpu":
        command.append("--use_gpu=true")
    elif request.accelerator == "npu":
        command.append("--use_npu=true" if family == "litert" else "--use_nnapi=true")
    if family == "litert" and request.accelerator != "cpu":
        command.append("--use_cpu=false")
    if request.op_profile:
        command.append("--use_profiler=true" if family == "litert" else "--enable_op_profiling=true")
    if request.cpus:
        mask = sum(1 << cpu for cpu in request.cpus)
        command = ["taskset", f"{mask:x}", *command]
    return command


def output_of(result: CommandResult) -> str:
    """Both streams: the programs write results to either."""
    return f"{result.text}\n{result.errors}"


def find_on(device: Shell) -> str | None:
    """The path of a benchmark_model that is on the device already."""
    script = 'command -v benchmark_model; for f in "$@"; do [ -x "$f" ] && echo "$f"; done; true'
    found = device.run(["sh", "-c", script, "sh", *KNOWN_PLACES], timeout_s=30).text.split()
    return found[0] if found else None


class Printed(NamedTuple):
    """What one process printed, and what was seen of it meanwhile.

    Attributes:
        text: both streams.
        pid: its number on the device.
        seen: what `Watch` gave.
    """

    text: str
    pid: int
    seen: Any


# Looks at a process of the device while the block runs; the value is complete after it.
Watch = Callable[[Shell, int], AbstractContextManager[Any]]


class BenchmarkModel:
    """Implements `Runner` with a benchmark_model on the device; the results stand in what it prints."""

    def __init__(self, program: str, family: str, watch: Watch = lambda shell, pid: nullcontext()) -> None:
        """Args: program: a path on the device; family: ``tflite`` or ``litert``; watch: beside each process."""
        self.name = f"benchmark_model ({family})"
        self._program, self._family, self._watch = program, family, watch

    def prepare(self, device: Device) -> None:
        """Nothing: it is there, and was told apart there."""

    def place(self, device: Device, model: Path, name: str) -> str:
        """Push the file."""
        return device.push(model, name)

    def run(self, device: Device, request: RunRequest) -> Printed:
        """See `Runner.run`."""
        process = device.start(benchmark_command(self._program, self._family, request))
        with self._watch(device, process.pid) as seen:
            result = process.wait(request.longest_s)
        text = output_of(result)
        if result.returncode != 0:
            words = [line for line in text.splitlines() if "ERROR" in line] or text.strip().splitlines()[-1:]
            told = " ".join(words)[-300:]
            raise CommandFailedError(
                f"{device.serial}: {self._program} ended with {result.returncode}: {told}", serial=device.serial
            )
        return Printed(text, process.pid, seen)
