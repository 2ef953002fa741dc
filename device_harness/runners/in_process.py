"""LiteRT's Python interpreter in a fresh process of this machine; on the CPU only."""

import sys
from collections.abc import Mapping
from pathlib import Path

from device_harness.errors import CommandFailedError
from device_harness.protocol import Device
from device_harness.runners.documents import DocumentRunner, common_arguments, push_inputs
from device_harness.runners.runner import RunRequest


class LitertInProcess(DocumentRunner):
    """Implements `Runner`; the program is `device_harness.runners.litert_in_process`."""

    name = "litert_in_process"

    def __init__(self, inputs: Mapping[str, Path] = {}) -> None:
        """Args: inputs: raw bytes of every input, in the model's order."""
        self._inputs = inputs
        self._given: dict[str, str] = {}

    def prepare(self, device: Device) -> None:
        """Nothing to push but inputs: it runs here."""
        if device.info().connection != "here":
            raise CommandFailedError("the in-process runner runs on this machine only; use litert_bench on devices")
        self._given = push_inputs(device, self._inputs)

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        """See `DocumentRunner.command`."""
        command = [sys.executable, "-m", "device_harness.runners.litert_in_process", *common_arguments(request)]
        if request.input_folder is not None:
            command += ["--input-folder", request.input_folder]
        for path in (request.inputs or self._given).values():
            command += ["--input", path]
        return command, {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
