"""What Android's batterystats ascribes to the runner's user by the maker's power profile: an estimate."""

from dataclasses import dataclass

from device_harness.protocol import Battery, PowerLedger
from profilers.meters.energy import refusal
from profilers.meters.meter import Energy, Meter, Phases, Setting
from profilers.parse.android.battery import parse_batterystats, parse_dumpsys_battery

ESTIMATE = "by the power profile of the device's maker, not measured"


@dataclass(frozen=True)
class LedgerMeter:
    """Implements `Meter`: the ledger is reset before each loaded time and read after it."""

    ledger: PowerLedger
    battery: Battery
    name: str = "dumpsys batterystats, power profile"
    of_battery: bool = True

    def measure(self, phases: Phases) -> Energy:
        """See `Meter.measure`; there is no idle time to subtract."""
        volts = parse_dumpsys_battery(self.battery.battery_report()).voltage_v
        if volts is None:
            raise ValueError("batterystats: the battery's voltage is not told")
        joules = tuple(self._one(phases, volts) for _ in range(phases.repeats))
        refused = refusal(joules)
        if refused:
            raise ValueError(f"batterystats: {refused}")
        return Energy(joules, ESTIMATE)

    def _one(self, phases: Phases, volts: float) -> float:
        self.ledger.reset_ledger()
        inferences = phases.load().inferences
        use = parse_batterystats(self.ledger.ledger())
        return use.by_uid_c.get(self.ledger.ledger_user, 0.0) * volts / inferences


def find(setting: Setting) -> Meter | None:
    """See `MeterModule.find`."""
    can = setting.device.can
    return LedgerMeter(can.ledger, can.battery) if can.ledger is not None and can.battery is not None else None
