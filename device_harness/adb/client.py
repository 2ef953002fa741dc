"""The adb program for one serial: calls with a time limit, errors by their meaning, reconnection."""

import time

from device_harness import process
from device_harness.adb import errors as adb_errors
from device_harness.errors import CommandTimeoutError
from device_harness.facts import CommandResult

CONTROL_LIMIT_S = 20.0
RECONNECT_LIMIT_S = 15.0
CUT_OFF = 255


class AdbClient:
    """The adb program, for one serial."""

    def __init__(self, serial: str, program: str | None = None) -> None:
        self.serial = serial
        self.program = program or process.find_program("adb", "Install Android's platform-tools (apt install adb).")

    def call(self, *arguments: str, timeout_s: float | None = None, check: bool = True) -> CommandResult:
        """Run ``adb -s SERIAL ARGUMENTS``; with `check`, a failure becomes the error that it means."""
        timeout_s = CONTROL_LIMIT_S if timeout_s is None else timeout_s
        try:
            result = process.run([self.program, "-s", self.serial, *arguments], timeout_s=timeout_s)
        except CommandTimeoutError as error:
            raise CommandTimeoutError(
                f"{self.serial}: `adb {arguments[0]}` did not end within {timeout_s:g} s. The device or its adb hangs: "
                "unplug it, or restart adb with `adb kill-server`.",
                serial=self.serial,
            ) from error
        if check and result.returncode != 0:
            # A cut connection may say nothing; a program that ends with another code was heard to the end.
            words = result.text + result.errors
            silent = (
                f"it ended with code {result.returncode}" if result.returncode != CUT_OFF and not words.strip() else ""
            )
            raise adb_errors.classify(self.serial, f"`adb {arguments[0]}`", words or silent)
        return result

    def start(self, *arguments: str, hold_stdin: bool = False) -> process.Process:
        """Start ``adb -s SERIAL ARGUMENTS``."""
        return process.Process([self.program, "-s", self.serial, *arguments], hold_stdin=hold_stdin)

    def reconnect(self) -> None:
        """Wait until the device answers again.

        Raises:
            DeviceError: it does not within RECONNECT_LIMIT_S; the type says why.
        """
        end = time.monotonic() + RECONNECT_LIMIT_S
        while True:
            try:
                words = self._reach()
            except CommandTimeoutError as error:
                words = str(error)
            if words is None:
                return
            if time.monotonic() > end:
                raise adb_errors.classify(self.serial, "reconnecting", words)
            time.sleep(0.5)

    def _reach(self) -> str | None:
        """None when the device answers, else what adb says."""
        if ":" in self.serial:
            # Their exit codes say nothing; `get-state` does.
            self.call("disconnect", self.serial, check=False)
            self.call("connect", self.serial, check=False)
        result = self.call("get-state", check=False)
        return None if result.text.strip() == "device" else result.errors or result.text
