"""Battery state and charge: ``dumpsys battery``, power_supply files, ``dumpsys batterystats``."""

import re

from device_harness.errors import UnreadableOutputError
from device_harness.frozen import Frozen

STATUS = {1: "unknown", 2: "charging", 3: "discharging", 4: "not charging", 5: "full"}


class BatteryState(Frozen):
    """A battery as ``dumpsys battery`` tells; None where it does not.

    Attributes:
        powered_by: connected sources: ``AC``, ``USB``, ``Wireless``, ``Dock``.
        status: ``charging``, ``discharging``, ``not charging``, ``full`` or ``unknown``.
        level: charge in [0, 1].
        voltage_v: volts.
        temperature_k: kelvins.
        charge_c: coulombs left.
        stopped: whether the values are frozen by ``dumpsys battery unplug`` or ``set``.
    """

    powered_by: tuple[str, ...]
    status: str
    level: float | None = None
    voltage_v: float | None = None
    temperature_k: float | None = None
    charge_c: float | None = None
    stopped: bool = False

    @property
    def charging(self) -> bool:
        """Whether current may flow into the battery or past it: energy of a gauge means nothing then."""
        return bool(self.powered_by) or self.status in ("charging", "full")


class GaugeSample(Frozen):
    """One look at a fuel gauge, as it stands in the files: neither unit nor sign of the current are certain.

    `energy_j` is what the battery still holds, and `power_w` what it gives, which Linux's drivers of laptops and boards
    tell in place of charge and current; their units are those of the kernel's interface.
    """

    current_raw: int | None = None
    voltage_v: float | None = None
    charge_c: float | None = None
    energy_j: float | None = None
    power_w: float | None = None
    status: str | None = None


class BatterystatsUse(Frozen):
    """What the power-profile model ascribes: an estimate. Charges in coulombs.

    Attributes:
        capacity_c: of the battery.
        computed_c: used by everything since the last reset.
        by_uid_c: used by each Linux user.
    """

    capacity_c: float
    computed_c: float
    by_uid_c: dict[int, float]


def parse_dumpsys_battery(text: str) -> BatteryState:
    """The first block of ``dumpsys battery``; makers append logs and settings with the same words.

    Raises:
        UnreadableOutputError: not such a dump, or without level and status.
    """
    if "Current Battery Service state:" not in text:
        raise UnreadableOutputError("not the output of `dumpsys battery`")
    block = text.partition("Current Battery Service state:")[2].partition("[EventLogBuffer]")[0]
    fields: dict[str, str] = {}
    for key, value in re.findall(r"^  ([A-Za-z][A-Za-z ]*): (-?\w+)[ \t]*\r?$", block, flags=re.MULTILINE):
        fields.setdefault(key, value)
    if "status" not in fields or "level" not in fields:
        raise UnreadableOutputError("`dumpsys battery` shows neither level nor status: the output is cut off")
    scale, level = _number(fields.get("scale")), _number(fields["level"])
    voltage, temperature = _number(fields.get("voltage")), _number(fields.get("temperature"))
    charge = _number(fields.get("Charge counter"))
    return BatteryState(
        powered_by=tuple(name for name in ("AC", "USB", "Wireless", "Dock") if fields.get(f"{name} powered") == "true"),
        status=STATUS.get(_number(fields["status"]) or 1, "unknown"),
        level=level / scale if level is not None and scale and 0 <= level <= scale else None,
        voltage_v=voltage / 1e3 if voltage else None,
        temperature_k=temperature / 10 + 273.15 if temperature is not None else None,
        charge_c=charge * 3.6e-3 if charge else None,
        stopped="UPDATES STOPPED" in text,
    )


def parse_power_supply(text: str) -> GaugeSample:
    """A power_supply ``uevent`` file, with or without its prefix.

    Raises:
        UnreadableOutputError: no known key.
    """
    found = dict(re.findall(r"^(?:POWER_SUPPLY_)?([A-Z][A-Z_]*)=([^\r\n]*)\r?$", text, flags=re.MULTILINE))
    current, voltage = _number(found.get("CURRENT_NOW")), _number(found.get("VOLTAGE_NOW"))
    charge = _number(found.get("CHARGE_COUNTER", found.get("CHARGE_NOW")))
    energy, power = _number(found.get("ENERGY_NOW")), _number(found.get("POWER_NOW"))
    if all(value is None for value in (current, voltage, charge, energy, power)):
        raise UnreadableOutputError("no current, voltage or charge in this power_supply file")
    return GaugeSample(
        current_raw=current,
        voltage_v=voltage / 1e6 if voltage else None,
        charge_c=charge * 3.6e-3 if charge is not None else None,
        energy_j=energy * 3.6e-3 if energy is not None else None,
        power_w=power / 1e6 if power is not None else None,
        status=found.get("STATUS", "").lower() or None,
    )


def parse_batterystats(text: str) -> BatterystatsUse:
    """``dumpsys batterystats -c`` since the last charge (``l``).

    Raises:
        UnreadableOutputError: no summary of power use, or one without a battery.
    """
    summary = re.search(r"^9,0,l,pws,([\d.]+),([\d.]+),", text, flags=re.MULTILINE)
    capacity = _decimal(summary[1]) if summary else None
    computed = _decimal(summary[2]) if summary else None
    if capacity is None or computed is None:
        raise UnreadableOutputError("not the output of `dumpsys batterystats -c`: there is no power summary")
    if capacity == 0:
        raise UnreadableOutputError("batterystats knows no battery capacity: this device has no battery or no profile")
    uses: dict[int, float] = {}
    for uid, charge in re.findall(r"^9,(\d{1,9}),l,pwi,uid,([\d.]+),", text, flags=re.MULTILINE):
        amount = _decimal(charge)
        if amount is not None:
            uses[int(uid)] = amount * 3.6
    return BatterystatsUse(capacity_c=capacity * 3.6, computed_c=computed * 3.6, by_uid_c=uses)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?\d{1,18}", text) else None


def _decimal(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,12}(\.\d+)?", text) else None
