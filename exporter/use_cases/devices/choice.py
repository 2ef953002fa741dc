"""Which devices `--device` means: those that are measured, and those that were meant and cannot be, with the reason."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from device_harness.discovery import Listing, device_kinds, discover
from device_harness.facts import DeviceInfo, DeviceState
from exporter.data.errors import UsageProblem
from exporter.data.facts.profile import DeviceProfile
from exporter.data.selector import Selector, is_selector, read_selector
from exporter.data.settings.target import Target
from exporter.formats.format import Format
from exporter.formats.registry import format_named
from exporter.gates.devices import skipped_verdict


class Skipped(NamedTuple):
    """A device that was meant and is not measured; `device` is its serial, or ``all`` where none is there."""

    device: str
    info: DeviceInfo | None
    reason: str


class Selection(NamedTuple):
    """What `--device` came to, for one format.

    Attributes:
        serials: that are measured.
        skipped: that were meant and are not.
        listing: what was found, from which they are opened; empty where nothing was looked for.
    """

    serials: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()
    listing: Listing = Listing()


def choose_devices(
    asked: Sequence[str],
    form: Format,
    listed: Callable[[], Listing] = discover,
    *,
    target: Target | None = None,
) -> Selection:
    """The devices to measure on.

    ``all`` stands for every device of the format's kinds that is listed, and for a target that names its device, for
    that alone; this machine is one only where the target stands for it. Those that are not ready are skipped with what
    to do, and so is ``all`` itself when there is none. Conditions (`Selector`) stand for one device that is ready and
    meets them, or with ``all`` for every one.

    Args:
        asked: of ``--device``; nothing means this machine.
        form: of what is measured.
        listed: finds devices; called once, and not for this machine alone.
        target: what is measured for; None for no target.

    Raises:
        UsageProblem: the same device twice, or conditions that no device meets.
    """
    names = list(asked) or ["local"]
    selectors = [read_selector(name) for name in names if is_selector(name)]
    listing = listed() if names != ["local"] else Listing()
    named = [name for name in names if name != "all" and not is_selector(name)]
    _refuse_twice(named, listing)
    passed: list[Skipped] = []
    for selector in selectors:
        found = _selected(selector, form, listing, named)
        named += found.serials
        passed += found.skipped
    if "all" not in names:
        return Selection(tuple(named), tuple(passed), listing)
    meant = [info for info in listing.devices if _is_meant(info, form, named, target)]
    ready = [info.serial for info in meant if info.state is DeviceState.READY]
    # A simulator that is shut down is no device that somebody plugged in.
    barred = [info for info in meant if info.state is not DeviceState.READY and info.environment != "simulator"]
    skipped = [Skipped(info.serial, info, _state(info)) for info in barred]
    told = [str(problem) for problem in listing.problems if any(map(form.devices.runs_on, problem.kinds))]
    if not ready and not barred:
        skipped.append(Skipped("all", None, _nothing(form, told, target)))
    else:
        skipped += [Skipped("all", None, f"some may be missing: {words}") for words in told]
    return Selection((*named, *ready), (*passed, *skipped), listing)


def _selected(selector: Selector, form: Format, listing: Listing, named: Sequence[str]) -> Selection:
    """The devices of conditions, of those that are not named already."""
    if selector.of_a_lab:
        raise UsageProblem(f"{selector}: {selector.of_a_lab[0]} is known of a lab's devices: give its --scheduler.")
    left = [info for info in listing.devices if not set(info.names) & set(named)]
    meant = [info for info in left if fits(info, form) and meets_here(selector, info)]
    ready = [info.serial for info in meant if info.state is DeviceState.READY]
    if ready and not selector.every:
        return Selection((ready[0],))
    barred = tuple(Skipped(info.serial, info, _state(info)) for info in meant if info.state is not DeviceState.READY)
    if not meant:
        there = ", ".join(f"{info.serial} ({info.model or info.kind}, {info.os or 'system unknown'})" for info in left)
        raise UsageProblem(f"no device meets {selector}. There are: {there or 'none'}. {where_it_runs(form)}.")
    return Selection(tuple(ready), barred)


def meets_here(selector: Selector, info: DeviceInfo) -> bool:
    """Whether conditions mean the device; this machine is one only where its serial or its kind is among them."""
    asked_for = any(one.key in ("serial", "kind") for one in selector.conditions)
    return selector.meets(info) and (asked_for or not is_host(info))


def selections(asked: Sequence[str], targets: Sequence[Target], listing: Listing) -> dict[str, Selection]:
    """What each target is measured on, by the target's name.

    Args:
        asked: of ``--device``; not empty.
        targets: of the run.
        listing: what `discover` found, once a run.

    Raises:
        UsageProblem: a device that is not there, that is named twice, or that can run none of the targets.
    """
    known = {name for info in listing.devices for name in info.names}
    named = [name for name in asked if name != "all"]
    unknown = [name for name in named if name not in known and name != "local" and not is_selector(name)]
    if unknown:
        raise UsageProblem(f"there is no device {', '.join(unknown)}; `mobile-export devices` lists those there are.")
    for name in named:
        reasons = [misfit(name, format_named(target.format), listing.devices) for target in targets]
        if all(reasons):
            raise UsageProblem(
                f"--device {name} fits no target of this run: {' '.join(dict.fromkeys(filter(None, reasons)))}"
            )
    return {target.name: _selection(asked, target, listing) for target in targets}


def misfit(name: str, form: Format, infos: Sequence[DeviceInfo]) -> str | None:
    """Why the listed device `name` cannot run the format; None if it can.

    A device that is not listed is left to the one who opens it.
    """
    found = next((info for info in infos if name in info.names), None)
    if found is None or fits(found, form) or _is_here(name, form, infos):
        return None
    model = f" ({found.model})" if found.model else ""
    return f"{name} is {device_kinds()[found.kind].one}{model}: {where_it_runs(form)}."


def fits(info: DeviceInfo, form: Format) -> bool:
    """Whether devices of its kind run the format."""
    return form.devices.runs_on(device_kinds()[info.kind])


def where_it_runs(form: Format) -> str:
    """Every kind of device that runs the format, in a sentence without its full stop."""
    *others, last = [kind.nouns for kind in device_kinds().values() if form.devices.runs_on(kind)]
    return f"{form.devices.subject} runs on {' and '.join(filter(None, (', '.join(others), last)))}"


def is_host(info: DeviceInfo) -> bool:
    """This machine, under any of its names: with `all`, it never stands in for a phone."""
    return device_kinds()[info.kind].here


def unmeasured(subject: str, skipped: Skipped) -> DeviceProfile:
    """The profile of a device that could not be tried: not checked, which fails a strict run."""
    verdict = skipped_verdict(subject, skipped.device, skipped.reason)
    return DeviceProfile(
        device=skipped.device, result=None, verdicts=(verdict,), info=skipped.info, skipped=skipped.reason
    )


def _selection(asked: Sequence[str], target: Target, listing: Listing) -> Selection:
    form = format_named(target.format)
    fitting = [name for name in asked if name == "all" or _may_run(name, form, listing)]
    return choose_devices(fitting, form, lambda: listing, target=target) if fitting else Selection(())


def _may_run(name: str, form: Format, listing: Listing) -> bool:
    """Whether a device of a name, or one that meets conditions, runs the format; which of several is seen later."""
    if not is_selector(name):
        return misfit(name, form, listing.devices) is None
    meant = [info for info in listing.devices if meets_here(read_selector(name), info)]
    return not meant or any(fits(info, form) for info in meant)


def _refuse_twice(named: Sequence[str], listing: Listing) -> None:
    """Under one name or two: a phone has another serial by Wi-Fi than by cable."""
    serial_of = {name: info.serial for info in listing.devices for name in info.names}
    if len({serial_of.get(name, name) for name in named}) != len(named):
        raise UsageProblem("--device names a device twice.")


def _is_meant(info: DeviceInfo, form: Format, named: Sequence[str], target: Target | None) -> bool:
    """Whether ``all`` means it."""
    return fits(info, form) and not set(info.names) & set(named) and _stands_for(info, target)


def _stands_for(info: DeviceInfo, target: Target | None) -> bool:
    if is_host(info):
        return target is not None and target.takes_host(info.serial, info.os)
    return _named_device(target) in (None, *info.names, info.model)


def _named_device(target: Target | None) -> str | None:
    """The one device that a target is for, by serial, name or model; None where any of its kind will do."""
    return None if target is None or target.device == "local" else target.device


def _is_here(name: str, form: Format, infos: Sequence[DeviceInfo]) -> bool:
    """Whether `name` is ``local`` and this machine is listed as what runs the format."""
    return name == "local" and any(info.serial == form.devices.here for info in infos)


def _state(info: DeviceInfo) -> str:
    model = f" ({info.model})" if info.model else ""
    advice = (info.advice or "see `mobile-export devices`").rstrip(".")
    return f"{info.serial}{model} is {info.state.value}: {advice}."


def _nothing(form: Format, told: Sequence[str], target: Target | None) -> str:
    named = _named_device(target)
    elsewhere = [kind.noun for kind in device_kinds().values() if form.devices.runs_on(kind) and not kind.here]
    what = f"device {named!r}, which the target is for," if named else " or ".join(elsewhere) or "device that runs it"
    listed = f"no {what} is listed"
    return f"{listed}{': ' if told else ''}{'; '.join(told)}. `mobile-export devices` shows what there is."
