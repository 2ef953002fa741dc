"""ONNX Runtime in a fresh process of this machine; on the CPU only."""

import sys
from pathlib import Path

from device_harness.errors import CommandFailedError
from device_harness.protocol import Device
from device_harness.runners.documents import DocumentRunner, common_arguments
from device_harness.runners.runner import RunRequest


class OnnxRuntimeInProcess(DocumentRunner):
    """Implements `DocumentRunner`; the program is `exporter.formats.onnx.bench`."""

    name = "onnxruntime_in_process"

    def prepare(self, device: Device) -> None:
        """Nothing to push: it runs here."""
        if device.info().serial != "local":
            raise CommandFailedError("ONNX files are measured on this machine only")

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        """See `DocumentRunner.command`."""
        command = [sys.executable, "-m", "exporter.formats.onnx.bench", *common_arguments(request)]
        for path in request.inputs.values():
            command += ["--input", path]
        return command, {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
