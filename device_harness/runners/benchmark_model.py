"""The two programs called ``benchmark_model``: told apart, and started with exact counts."""

from device_harness.errors import CommandFailedError, UnreadableOutputError
from device_harness.protocol import CommandResult, Device
from device_harness.runners.documents import RunRequest

KNOWN_PLACES = ("/data/local/tmp/benchmark_model", "/usr/local/bin/benchmark_model", "/usr/bin/benchmark_model")


def identify(device: Device, program: str) -> str:
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


def benchmark_command(program: str, family: str, request: RunRequest, *, op_profile: bool = False) -> list[str]:
    """The command line of either program, with both minimum times set so that counts are exact unless asked longer."""
    command = [
        program, f"--graph={request.model}", f"--num_runs={request.runs}", f"--min_secs={request.min_s:g}",
        f"--max_secs={request.limit_s:g}", f"--warmup_runs={request.warmup_runs}",
        f"--warmup_min_secs={request.warmup_min_s:g}", f"--num_threads={request.threads or -1}",
    ]  # fmt: skip
    if request.accelerator == "gpu":
        command.append("--use_gpu=true")
    elif request.accelerator == "npu":
        command.append("--use_npu=true" if family == "litert" else "--use_nnapi=true")
    if family == "litert" and request.accelerator != "cpu":
        command.append("--use_cpu=false")
    if op_profile:
        command.append("--use_profiler=true" if family == "litert" else "--enable_op_profiling=true")
    if request.cpus:
        mask = sum(1 << cpu for cpu in request.cpus)
        command = ["taskset", f"{mask:x}", *command]
    return command


def output_of(result: CommandResult) -> str:
    """Both streams: the programs write results to either."""
    return f"{result.text}\n{result.errors}"


def find_on(device: Device) -> str | None:
    """The path of a benchmark_model that is on the device already."""
    script = 'command -v benchmark_model; for f in "$@"; do [ -x "$f" ] && echo "$f"; done; true'
    found = device.run(["sh", "-c", script, "sh", *KNOWN_PLACES], timeout_s=30).text.split()
    return found[0] if found else None
