"""Which target is fast enough on which device, as a table of both."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from exporter.data.facts.profile import Profile
from exporter.data.results.record import TargetRecord
from exporter.data.units import format_time
from exporter.data.verdict import Status, Verdict, worst_first
from exporter.report.html.devices import marks
from exporter.report.readings import device_title, latency_percentiles
from exporter.report.summary import verdict_value

_WORDS = {Status.PASSED: "fast enough", Status.FAILED: "too slow", Status.NOT_CHECKED: "not judged"}


class Cell(NamedTuple):
    """One target on one device.

    Attributes:
        tone: the style sheet's class of the word; empty for none.
        word: the answer.
        value: the median, its limit.
        notes: why it is not judged, how old it is, that it is a quick check.
    """

    tone: str
    word: str
    value: str = ""
    notes: tuple[str, ...] = ()


def matrix(rows: Sequence[tuple[str, Sequence[Profile]]]) -> dict[str, Any] | None:
    """Devices across, targets down; None where no device was asked.

    Args:
        rows: targets or files, each with its profiles.
    """
    devices = _titles([profile for _, profiles in rows for profile in profiles])
    if not devices:
        return None
    lines = [(name, {profile.device: _cell(profile) for profile in profiles}) for name, profiles in rows]
    return {
        "devices": list(devices.values()),
        "rows": [(name, [cells.get(device, Cell("", "–")) for device in devices]) for name, cells in lines],
    }


def run_matrix(targets: Sequence[TargetRecord]) -> dict[str, Any] | None:
    """That of a run."""
    return matrix([(target.name, target.profiles) for target in targets if target.profiles])


def _titles(profiles: Sequence[Profile]) -> dict[str, str]:
    """Devices in their order, each as the profile calls it that knows it."""
    order = dict.fromkeys(profile.device for profile in profiles)
    known = {
        profile.device: device_title(profile) for profile in sorted(profiles, key=lambda one: one.info is not None)
    }
    return {device: known[device] for device in order}


def _cell(profile: Profile) -> Cell:
    if profile.error:
        return Cell("failed", "error", notes=(profile.error,))
    if profile.measured is None:
        return Cell("not_checked", "not measured", notes=(profile.skipped or "",))
    latency = latency_percentiles(profile.measured)
    if latency is None:
        return Cell("not_checked", "no latency")
    judged = worst_first(one for one in profile.verdicts if one.metric.startswith("latency."))
    notes = (*marks(profile), *profile.measured.caveats)
    value = f"p50 {format_time(latency['p50'])}"
    return _judged(judged[0], value, notes) if judged else Cell("", "no budget", value, notes)


def _judged(verdict: Verdict, value: str, notes: tuple[str, ...]) -> Cell:
    limit = f"{verdict.metric.removeprefix('latency.')} {verdict_value(verdict)[1]}"
    why = (verdict.reason,) if verdict.status is Status.NOT_CHECKED else ()
    return Cell(verdict.status.name.lower(), _WORDS[verdict.status], f"{value}, {limit}", (*notes, *why))
