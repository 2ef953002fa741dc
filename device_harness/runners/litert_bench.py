"""litert_bench, the native LiteRT runner, on any device with a shell."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from device_harness.protocol import Device
from device_harness.runners.documents import DocumentRunner, common_arguments, push_inputs
from device_harness.runners.runner import RunRequest


class LitertBench(DocumentRunner):
    """Implements `Runner`; `prepare` pushes the program, and the library where the device has none."""

    name = "litert_bench"

    def __init__(
        self,
        program: Path | str,
        library: Path | str,
        *,
        accelerators: Sequence[Path] = (),
        inputs: Mapping[str, Path] = {},
    ) -> None:
        """A path is pushed; a text is a path on the device.

        Args:
            program: litert_bench.
            library: ``libLiteRt.so``.
            accelerators: libraries of accelerators, compiler plug-ins and dispatch libraries.
            inputs: raw bytes of inputs, by tensor.
        """
        self._program, self._library = program, library
        self._paths = (str(program), str(library))
        self._accelerators, self._inputs = accelerators, inputs
        self._folder: str | None = None
        self._given: dict[str, str] = {}

    def prepare(self, device: Device) -> None:
        """Push."""
        program, library = self._program, self._library
        self._paths = (
            device.push(program, "litert_bench", executable=True) if isinstance(program, Path) else program,
            device.push(library, "libLiteRt.so") if isinstance(library, Path) else library,
        )
        pushed = [device.push(path, path.name) for path in self._accelerators]
        self._folder = str(PurePosixPath(pushed[0]).parent) if pushed else None
        self._given = push_inputs(device, self._inputs)

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        """See `DocumentRunner.command`."""
        program, library = self._paths
        command = [program, *bench_arguments(request, library, self._given)]
        if self._folder is None or request.accelerator == "cpu":
            return command, {}
        # Older releases look for accelerators along the loader's path, newer ones in the folder that they are told.
        return [*command, "--libraries", self._folder], {"LD_LIBRARY_PATH": self._folder}


def bench_arguments(request: RunRequest, library: str, given: Mapping[str, str]) -> list[str]:
    """Those of litert_bench, which loads the runtime `library`; `given` are inputs where the request has none."""
    command = ["--litert-library", library, "--accelerator", request.accelerator]
    command += [*common_arguments(request), "--digest"]
    if request.op_profile:
        command.append("--op-profile")
    for tensor, path in (request.inputs or given).items():
        command += ["--input", f"{tensor}={path}"]
    return command
