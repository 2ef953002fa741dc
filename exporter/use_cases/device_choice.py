"""Which devices `--device` means: those that are measured, and those that were meant and cannot be, with the reason."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from device_harness.discovery import discover
from device_harness.facts import DeviceInfo, DeviceState
from exporter.data.errors import UsageProblem
from exporter.data.record import DeviceProfile
from exporter.data.target import Target
from exporter.gates.devices import skipped_verdict

TFLITE_KINDS = ("local", "adb")
APPLE_KINDS = ("ios", "simulator", "mac")
# This machine under its two names: with `all`, it never stands in for a phone.
HOST_KINDS = ("local", "mac")
Listing = tuple[list[DeviceInfo], list[str]]
_FORMATS = {TFLITE_KINDS: "a .tflite file", APPLE_KINDS: "a Core ML model"}
_KIND_WORDS = {
    "local": "this machine",
    "adb": "a device behind adb",
    "ios": "an Apple device",
    "simulator": "a simulator",
    "mac": "this Mac",
}


class Skipped(NamedTuple):
    """A device that was meant and is not measured; `device` is its serial, or ``all`` where none is there."""

    device: str
    info: DeviceInfo | None
    reason: str


class Selection(NamedTuple):
    """What `--device` came to, for one format."""

    serials: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()


def choose_devices(
    asked: Sequence[str],
    kinds: Sequence[str],
    listed: Callable[[], Listing] = discover,
    *,
    target: Target | None = None,
) -> Selection:
    """The devices to measure on.

    ``all`` stands for every device of these kinds that is listed; this machine is one only where the target stands for
    it. Those that are not ready are skipped with what to do, and so is ``all`` itself when there is none.

    Args:
        asked: of ``--device``; nothing means this machine.
        kinds: that can run the format.
        listed: finds devices; called for ``all`` only.
        target: what is measured for; None for no target.

    Raises:
        UsageProblem: the same device twice.
    """
    named = [name for name in asked or ["local"] if name != "all"]
    if len(set(named)) != len(named):
        raise UsageProblem("--device names a device twice.")
    if "all" not in asked:
        return Selection(tuple(named))
    infos, unasked = listed()
    meant = [info for info in infos if info.kind in kinds and info.serial not in named and _stands_for(info, target)]
    ready = [info.serial for info in meant if info.state is DeviceState.READY]
    # A simulator that is shut down is no device that somebody plugged in.
    barred = [info for info in meant if info.state is not DeviceState.READY and info.kind != "simulator"]
    skipped = [Skipped(info.serial, info, _state(info)) for info in barred]
    told = [words for words in unasked if words.startswith("adb") == ("adb" in kinds)]
    if not ready and not barred:
        skipped.append(Skipped("all", None, _nothing(kinds, told)))
    else:
        skipped += [Skipped("all", None, f"some may be missing: {words}") for words in told]
    return Selection((*named, *ready), tuple(skipped))


def misfit(name: str, kinds: Sequence[str], infos: Sequence[DeviceInfo]) -> str | None:
    """Why the listed device `name` (a serial, or an Apple device's name) cannot run the kinds' format; None if it can.

    A device that is not listed is left to the one who opens it.
    """
    found = next((info for info in infos if name in (info.serial, info.facts.get("name"))), None)
    if found is None or found.kind in kinds or _host_of(name, kinds, infos):
        return None
    model = f" ({found.model})" if found.model else ""
    wanted = "Apple devices, simulators and Macs" if "ios" in kinds else "this machine and devices behind adb"
    return f"{name} is {_KIND_WORDS.get(found.kind, found.kind)}{model}: {_format(kinds)} runs on {wanted}."


def host_reason(info: DeviceInfo, target: Target | None) -> str:
    """Why readings of this device are none of the target's device, as a sentence; empty when they may be.

    A target stands for devices of its operating system: this machine is one only for a macOS target on a Mac, or where
    the target's own `device` says so.
    """
    if target is None or info.kind not in HOST_KINDS or target.device in ("local", info.serial):
        return ""
    if info.kind == "mac" and target.minimum_os.startswith("macOS"):
        return ""
    return (
        f"Measured on this machine, which is no device of {target.name} ({target.minimum_os}): name one with --device."
    )


def unmeasured(subject: str, skipped: Skipped) -> DeviceProfile:
    """The profile of a device that could not be tried: not checked, which fails a strict run."""
    verdict = skipped_verdict(subject, skipped.device, skipped.reason)
    return DeviceProfile(
        device=skipped.device, result=None, verdicts=(verdict,), info=skipped.info, skipped=skipped.reason
    )


def _stands_for(info: DeviceInfo, target: Target | None) -> bool:
    return info.kind not in HOST_KINDS or (target is not None and not host_reason(info, target))


def _format(kinds: Sequence[str]) -> str:
    return _FORMATS[APPLE_KINDS if "ios" in kinds else TFLITE_KINDS]


def _host_of(name: str, kinds: Sequence[str], infos: Sequence[DeviceInfo]) -> bool:
    """Whether `name` is ``local`` and this machine is a Mac that runs the format."""
    return name == "local" and "mac" in kinds and any(info.kind == "mac" for info in infos)


def _state(info: DeviceInfo) -> str:
    model = f" ({info.model})" if info.model else ""
    advice = (info.advice or "see `mobile-export devices`").rstrip(".")
    return f"{info.serial}{model} is {info.state.value}: {advice}."


def _nothing(kinds: Sequence[str], told: Sequence[str]) -> str:
    what = "Apple device, simulator or Mac" if "ios" in kinds else "device behind adb"
    return f"no {what} is listed{': ' if told else ''}{'; '.join(told)}. `mobile-export devices` shows what there is."
