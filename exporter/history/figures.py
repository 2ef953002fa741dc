"""The figures of one run that are worth following: bytes, accuracy, and what devices read."""

import math
from collections.abc import Iterator
from datetime import datetime

from device_harness.facts import DeviceInfo
from exporter.data.facts.history import Figure, Lane
from exporter.data.facts.parity import Parity
from exporter.data.facts.profile import Measured, Profile
from exporter.data.facts.task import MetricFact
from exporter.data.results.record import SIZES, RunRecord, TargetRecord
from exporter.data.verdict import Verdict
from profilers.comparison import COMPARED
from profilers.readings import Obtained
from profilers.summary import Summary

HOST = "this machine"


def figures_of_run(record: RunRecord) -> tuple[Figure, ...]:
    """Of all targets; what a target should have and has not is unavailable, with the reason."""
    host = _host(record)
    return tuple(figure for target in record.targets for figure in _target(target, host))


def figures_of_profile(target: str, profile: Profile) -> tuple[Figure, ...]:
    """Of one file on one device; `target` is what its lanes are called."""
    return tuple(_profile(target, profile))


def _host(record: RunRecord) -> str:
    """This machine by what its readings depend on most: another one's are no trend of it."""
    known = [record.machine.get("processor", ""), f"{record.machine.get('cores', '?')} cores"]
    return f"{HOST} ({', '.join(filter(None, known))})"


def _target(target: TargetRecord, host: str) -> Iterator[Figure]:
    yield from _bytes(target)
    for parity in target.parities:
        yield from _accuracy(target.name, parity)
    if target.host is not None:
        yield from _readings(target.name, host, target.host)
    for profile in target.profiles:
        yield from _profile(target.name, profile)


def _bytes(target: TargetRecord) -> Iterator[Figure]:
    lanes = {metric: Lane(target=target.name, place="", metric=metric, unit="B", exact=True) for metric in SIZES}
    if target.artifact is None:
        yield Figure(lane=lanes["size"], value=None, reason=target.error or "there is no artifact")
    else:
        yield Figure(lane=lanes["size"], value=float(target.artifact.size_bytes))
    weighed = next((one for one in target.verdicts if one.metric == "download"), None)
    if weighed is not None:
        yield _weighed(lanes["download"], weighed)


def _weighed(lane: Lane, verdict: Verdict) -> Figure:
    if verdict.value is None:
        return Figure(lane=lane, value=None, reason=verdict.reason)
    return Figure(lane=lane, value=verdict.value)


def _accuracy(target: str, parity: Parity) -> Iterator[Figure]:
    place = f"{parity.data}, {parity.samples} examples, by {parity.evaluator.partition(' ')[0]}"
    if parity.top1 is not None:
        lane = Lane(target=target, place=place, metric="top1", unit="%", better="higher")
        yield _figure(lane, 100 * parity.top1)
    for metric in parity.task.metrics if parity.task else ():
        yield _figure(_task_lane(target, place, metric), metric.artifact)


def _task_lane(target: str, place: str, metric: MetricFact) -> Lane:
    better = "higher" if metric.higher_is_better else "lower"
    facts = {"target": target, "place": place, "metric": metric.name, "unit": metric.unit or "1", "better": better}
    return Lane.model_validate(facts)


def _profile(target: str, profile: Profile) -> Iterator[Figure]:
    place = _device(profile)
    if profile.measured is None:
        lane = Lane(target=target, place=place, metric="latency", unit="s")
        yield Figure(lane=lane, value=None, reason=profile.error or profile.skipped or "nothing was measured")
    else:
        yield from _readings(target, place, profile.measured)


def _device(profile: Profile) -> str:
    """By its serial, which is known of one that gave no readings too."""
    environment = profile.info.environment if profile.info else "device"
    serial = _local(profile.info) if profile.device == "local" else profile.device
    return serial if environment == "device" else f"{serial}, {environment}"


def _local(info: DeviceInfo | None) -> str:
    """As `_host` has it, so that profiles and runs of one machine are of one place."""
    if info is None or not info.model:
        return HOST
    return f"{HOST} ({info.model}, {info.cpus or '?'} cores)"


def _readings(target: str, place: str, measured: Measured) -> Iterator[Figure]:
    for reading in measured.readings:
        if reading.metric in COMPARED:
            yield _reading(target, place, reading)


def _reading(target: str, place: str, reading: Summary) -> Figure:
    lane = Lane(
        target=target, place=place, metric=reading.metric, unit=reading.unit, conditions=dict(reading.conditions)
    )
    found = reading.statistics
    if found is None or reading.obtained is not Obtained.MEASURED:
        return Figure(lane=lane, value=None, reason=f"{reading.obtained}: {reading.reason}")
    return _figure(lane, found.p50, found.p50_low, found.p50_high, reading.taken_at)


def _figure(
    lane: Lane, value: float, low: float | None = None, high: float | None = None, at: datetime | None = None
) -> Figure:
    if not math.isfinite(value):
        return Figure(lane=lane, value=None, taken_at=at, reason=f"it is {value}")
    ends = (None if end is None or not math.isfinite(end) else end for end in (low, high))
    return Figure(lane=lane, value=value, low=next(ends), high=next(ends), taken_at=at)
