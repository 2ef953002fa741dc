"""What an Android system tells of itself through its shell: thermal state, battery, screen, power."""

from device_harness.errors import CommandTimeoutError
from device_harness.protocol import Restoring, Shell

DUMP_LIMIT_S = 15.0
COMMAND_S = 30.0
PERFETTO_TRACES = "/data/misc/perfetto-traces"
STAY_ON = "stay_on_while_plugged_in"
SCREEN_OFF, SCREEN_ON = "223", "224"
SHELL_USER = 2000


class AndroidSystem:
    """Implements `Thermal`, `Battery`, `Screen`, `PowerTracing` and `PowerLedger` with Android's own commands."""

    ledger_user = SHELL_USER
    thermal_command = ("dumpsys", "thermalservice")

    def __init__(self, shell: Shell, restoring: Restoring) -> None:
        self._shell = shell
        self._restoring = restoring

    def thermal_report(self) -> str:
        """`dumpsys thermalservice`."""
        return self._dump("thermalservice")

    def battery_report(self) -> str:
        """`dumpsys battery`."""
        return self._dump("battery")

    def screen_on(self) -> bool | None:
        """By the wakefulness in `dumpsys power`."""
        try:
            words = self._dump("power")
        except CommandTimeoutError:
            return None
        _, told, state = words.partition("mWakefulness=")
        return state.startswith(("Awake", "Dreaming")) if told else None

    def darken(self) -> None:
        """Key events and a setting; what undoes each is left with the device before it is done."""
        stays = self._shell.run(["settings", "get", "global", STAY_ON], timeout_s=COMMAND_S).text.strip()
        if stays.isdigit() and stays != "0":
            self._restoring.on_leaving(f"settings put global {STAY_ON} {stays}")
            self._shell.run(["settings", "put", "global", STAY_ON, "0"], timeout_s=COMMAND_S)
        if self.screen_on():
            self._restoring.on_leaving(f"input keyevent {SCREEN_ON}")
            self._shell.run(["input", "keyevent", SCREEN_OFF], timeout_s=COMMAND_S)

    def light(self) -> None:
        """A key event; an activity on top keeps it lit from then on."""
        if self.screen_on() is False:
            self._restoring.on_leaving(f"input keyevent {SCREEN_OFF}")
            self._shell.run(["input", "keyevent", SCREEN_ON], timeout_s=COMMAND_S)

    def trace_folder(self) -> str:
        """SELinux lets Perfetto write to its own folder only; the workspace where that is not there."""
        result = self._shell.run(["sh", "-c", f"[ -w {PERFETTO_TRACES} ]"], timeout_s=COMMAND_S)
        return PERFETTO_TRACES if result.returncode == 0 else self._shell.workspace

    def reset_ledger(self) -> None:
        """`dumpsys batterystats --reset`."""
        self._shell.run(["dumpsys", "batterystats", "--reset"], timeout_s=COMMAND_S)

    def ledger(self) -> str:
        """`dumpsys batterystats -c`."""
        return self._shell.run(["dumpsys", "batterystats", "-c"], timeout_s=COMMAND_S).text

    def _dump(self, service: str) -> str:
        return self._shell.run(["dumpsys", service], timeout_s=DUMP_LIMIT_S).text
