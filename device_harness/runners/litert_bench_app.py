"""litert_bench in the foreground of an Android phone: an app of the project in `device_harness/android`.

A program that adb's shell starts is in the background, where schedulers keep work on few and slow cores. The app shows
an activity and runs the same C code, each time in a new process of its own.
"""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from device_harness.errors import CommandFailedError, DeviceError
from device_harness.protocol import Device
from device_harness.runners.bench_document import BenchDocument, parse_bench_document
from device_harness.runners.documents import DocumentRunner, push_inputs
from device_harness.runners.litert_bench import bench_arguments
from device_harness.runners.runner import RunRequest

PACKAGE = "dev.mobileexport.bench"
COMPONENT = f"{PACKAGE}/.BenchInstrumentation"
FILES = "{files}"  # the app puts its own folder there
LIBRARY = "libLiteRt.so"
INSTALL_S, COMMAND_S = 300.0, 30.0
DONE = "-1"  # Activity.RESULT_OK


class LitertBenchApp(DocumentRunner):
    """Implements `Runner`; `prepare` installs the app, which the device removes when the session ends."""

    name = "litert_bench_app"

    def __init__(self, app: Path, inputs: Mapping[str, Path] = {}) -> None:
        """Measures with the .apk `app`; `inputs` are raw bytes by tensor."""
        self._app, self._inputs = app, inputs
        self._given: dict[str, str] = {}

    def prepare(self, device: Device) -> None:
        """Install; an app of that name that is there already, of another session that was lost, is replaced.

        Raises:
            DeviceError: it is no Android device, or it refused the app.
        """
        if device.can.screen is None or device.can.restoring is None:
            raise DeviceError(f"{device.serial} runs no Android app: leave --benchmark-app out.", serial=device.serial)
        device.can.restoring.on_leaving(f"am force-stop {PACKAGE}; pm uninstall {PACKAGE} > /dev/null")
        pushed = device.push(self._app, "bench.apk")
        done = device.run(["pm", "install", "-r", "-t", "-g", pushed], timeout_s=INSTALL_S)
        if done.returncode or "Success" not in done.text:
            words = (done.errors or done.text).strip()
            raise DeviceError(f"{device.serial} did not install {self._app.name}: {words}", serial=device.serial)
        # The app is another user than the shell: it reads what was pushed where folders let it through.
        device.run(["chmod", "755", device.workspace], timeout_s=COMMAND_S)
        self._given = push_inputs(device, self._inputs)

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        """See `DocumentRunner.command`; outputs go to the app's own folder, which the shell reads."""
        kept = request._replace(output_folder=FILES) if request.output_folder is not None else request
        arguments = bench_arguments(kept, LIBRARY, self._given)
        return ["am", "instrument", "-w", "-e", "arguments", "\n".join(arguments), COMPONENT], {}

    def run(self, device: Device, request: RunRequest) -> BenchDocument:
        """See `Runner.run`."""
        command, env = self.command(request)
        try:
            ended = device.run(command, timeout_s=request.longest_s, env=env)
        except BaseException:
            # `am` is only who waits for the app: ending it leaves the model running.
            device.run(["am", "force-stop", PACKAGE], timeout_s=COMMAND_S)
            raise
        files, code = _told(ended.text, "RESULT: files=(.+)"), _told(ended.text, r"CODE: (-?\d+)")
        if files is None or code != DONE:
            words = device.run(["cat", f"{files}/errors.txt"], timeout_s=COMMAND_S).text.strip() if files else ""
            raise CommandFailedError(
                f"{device.serial}: {self.name} failed on {PurePosixPath(request.model).name}: "
                f"{words or _said(ended.text + ended.errors)}",
                serial=device.serial,
            )
        printed = device.run(["cat", f"{files}/document.json"], timeout_s=COMMAND_S)
        return parse_bench_document(printed.stdout, f"{self.name} on {device.serial}")


def _told(text: str, what: str) -> str | None:
    found = re.search(f"^INSTRUMENTATION_{what}\\r?$", text, re.MULTILINE)
    return found[1] if found else None


def _said(text: str) -> str:
    """What `am` tells of an app that ended by itself."""
    found = re.search(r"(?:longMsg|shortMsg|Error)[=:] *(.+)", text)
    return found[1] if found else text.strip() or "it said nothing"
