"""Which devices of a lab `--device` means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.data.errors import UsageProblem
from exporter.data.lab import LabDevice
from exporter.data.selector import Selector, is_selector, read_selector
from exporter.formats.format import Format
from exporter.use_cases.devices.choice import Skipped, where_it_runs

USABLE = ("ready", "measuring", "in use")
"""States of devices that take a job, now or when it is their turn."""


@dataclass(frozen=True)
class Wanted:
    """A device that is measured on.

    Attributes:
        asked: as it was asked for.
        name: of the device; None where any that meets `selector` will do.
        selector: its conditions, then.
    """

    asked: str
    name: str | None = None
    selector: Selector | None = None

    def means(self, device: LabDevice) -> bool:
        """Whether it may be this device."""
        if self.selector is None:
            return device.name == self.name
        return meets(self.selector, device)


def meets(selector: Selector, device: LabDevice) -> bool:
    """Whether a device of a lab meets conditions."""
    info = device.info.model_copy(update={"also": (*device.info.also, device.name)})
    return selector.meets(info, device.labels, device.host)


def choose(
    asked: Sequence[str], form: Format, devices: Mapping[str, LabDevice]
) -> tuple[tuple[Wanted, ...], tuple[Skipped, ...]]:
    """What is measured, and what was meant and cannot be.

    Args:
        asked: of ``--device``: names, serials, conditions (`Selector`), ``all``.
        form: of what is measured.
        devices: of the lab, by name; those that take no job too.

    Raises:
        UsageProblem: a device that is not there, that is on several hosts, named twice or unfit for the format.
    """
    if not asked:
        raise UsageProblem("a lab has many devices: say which with --device, such as --device 'android>=14' or all.")
    fitting = {name: device for name, device in devices.items() if form.name in device.formats}
    wanted: list[Wanted] = []
    skipped: list[Skipped] = []
    for text in asked:
        every = read_selector(text) if is_selector(text) else Selector(conditions=(), every=True)
        if text != "all" and not is_selector(text):
            wanted.append(_named(text, form, devices))
            continue
        meant = [device for device in fitting.values() if meets(every, device)]
        if not meant and text == "all":
            skipped.append(Skipped("all", None, f"the lab has no device for it. {where_it_runs(form)}."))
        elif not meant:
            raise UsageProblem(f"no device of the lab meets {text}. {_there(fitting)} {where_it_runs(form)}.")
        skipped += [
            Skipped(one.name, one.info, _state(one)) for one in meant if every.every and one.state not in USABLE
        ]
        if every.every:
            wanted += [Wanted(text, one.name) for one in meant if one.state in USABLE]
        else:
            wanted.append(Wanted(text, selector=every))
    names = [one.name or one.asked for one in wanted]
    if len(set(names)) != len(names):
        raise UsageProblem("--device names a device twice.")
    return tuple(wanted), tuple(skipped)


def shares(
    asked: Sequence[str], forms: Mapping[str, Format], devices: Mapping[str, LabDevice]
) -> dict[str, tuple[str, ...]]:
    """What of ``--device`` is for each of several formats, by the names in `forms`; ``all`` is for each.

    Raises:
        UsageProblem: something is for none, or wrong in itself.
    """
    found: dict[str, tuple[str, ...]] = dict.fromkeys(forms, ())
    for text in asked:
        refused: list[UsageProblem] = []
        for name, form in forms.items():
            try:
                choose([text], form, devices)
                found[name] = (*found[name], text)
            except UsageProblem as problem:
                refused.append(problem)
        if len(refused) == len(forms):
            raise refused[0]
    return found


def _named(text: str, form: Format, devices: Mapping[str, LabDevice]) -> Wanted:
    found = [device for device in devices.values() if text in device.names]
    if not found:
        here = " local is this machine: leave --scheduler out." if text == "local" else ""
        raise UsageProblem(f"the lab has no device {text}.{here} {_there(devices)}")
    if len(found) > 1:
        raise UsageProblem(f"{text} is on several hosts: say {' or '.join(sorted(one.name for one in found))}.")
    if form.name not in found[0].formats:
        raise UsageProblem(f"{text}: {where_it_runs(form)}.")
    return Wanted(text, found[0].name)


def _there(devices: Mapping[str, LabDevice]) -> str:
    told = [
        f"{name} ({one.info.model or one.info.kind}, {one.info.os or '?'})" for name, one in sorted(devices.items())
    ]
    return f"There are: {', '.join(told) or 'none'}."


def _state(device: LabDevice) -> str:
    advice = (device.info.advice or "see `mobile-export lab status`").rstrip(".")
    return f"{device.name} is {device.state}: {advice}."
