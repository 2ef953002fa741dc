"""litert_bench, the native LiteRT runner, on any device with a shell."""

from pathlib import Path

from device_harness.protocol import Device
from device_harness.runners.documents import DocumentRunner, common_arguments
from device_harness.runners.runner import RunRequest


class LitertBench(DocumentRunner):
    """Implements `Runner`; `prepare` pushes the program, and the library where the device has none."""

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
        return [program, *bench_arguments(request, library)], {}


def bench_arguments(request: RunRequest, library: str) -> list[str]:
    """Those of litert_bench, which loads the runtime `library`."""
    command = ["--litert-library", library, "--accelerator", request.accelerator]
    command += [*common_arguments(request), "--digest"]
    for tensor, path in request.inputs.items():
        command += ["--input", f"{tensor}={path}"]
    return command
