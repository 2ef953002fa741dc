"""One trial: a plan is run as a user would run it, from a targets file; what comes back are facts and files."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from exporter.data.facts.points import Plan, Point
from exporter.data.progress import Progress
from exporter.data.results.record import TargetRecord
from exporter.data.verdict import Verdict
from exporter.store.cache import cache_root_here
from exporter.use_cases.job.recipes import FILE_NAME as COMPRESSED
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.run import run
from exporter.use_cases.search.limits import loss_of
from profilers.readings import Obtained
from profilers.summary import Summary

SETTINGS = "targets.toml"


@dataclass(frozen=True)
class Trial:
    """A plan and the run that is made of it.

    Attributes:
        run: of everything that all trials share; its targets and folders are the trial's own.
    """

    plan: Plan
    run: RunRequest


@dataclass(frozen=True)
class Tried:
    """What came of a trial.

    Attributes:
        files: those of its run, relative to its folder.
    """

    point: Point
    files: Mapping[str, bytes]


def carry_out(trial: Trial, progress: Progress) -> Tried:
    """Convert, verify, gate and measure what the plan says.

    Raises:
        UsageProblem: the plan cannot be carried out as it stands.
        ToolError: the model cannot be had.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        settings, output = Path(folder) / SETTINGS, Path(folder) / "run"
        settings.write_text(trial.plan.settings, encoding="utf-8")
        request = replace(
            trial.run,
            target_names=(trial.plan.target,),
            targets_file=settings,
            output=output,
            cache_root=cache_root_here(trial.run.cache_root),
        )
        record = run(request, progress).targets[0]
        files = {SETTINGS: settings.read_bytes(), **_files(output)}
    return Tried(_point(trial.plan, record, time.monotonic() - started), files)


def _files(folder: Path) -> dict[str, bytes]:
    """Of a run, without its lock, and without the compressed model: `run` makes that again, and it is large."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    paths = [path for path in paths if path.name != COMPRESSED]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _point(plan: Plan, record: TargetRecord, duration_s: float) -> Point:
    measured = _measured(record)
    latency = measured.get("latency")
    energy = measured.get("energy.inference")
    return Point(
        plan=plan,
        folder=f"points/{plan.key[:16]}",
        size_bytes=record.artifact.size_bytes if record.artifact else None,
        twin_bytes=record.artifact.twin_size_bytes if record.artifact else None,
        download_bytes=_download(record.verdicts),
        latency_s=latency.median if latency else None,
        latency_where=latency.where if latency else "",
        latency_taken_at=latency.taken_at if latency else None,
        energy_j=energy.median if energy else None,
        loss=loss_of(record.parities[0]) if record.parities else None,
        verdicts=record.verdicts,
        error=record.error,
        duration_s=duration_s,
    )


def _download(verdicts: tuple[Verdict, ...]) -> int | None:
    found = [one.value for one in verdicts if one.metric == "download" and one.value is not None]
    return round(found[0]) if found else None


class _Taken(NamedTuple):
    median: float
    where: str
    taken_at: datetime


def _measured(record: TargetRecord) -> dict[str, _Taken]:
    """Median of each quantity and where it was measured: on devices before this machine."""
    found: dict[str, _Taken] = {}
    sources = [(item.device, item.measured) for item in record.profiles]
    for where, readings in [*sources, ("this machine", record.host)]:
        for one in readings.readings if readings else ():
            median = _median(one)
            if median is not None:
                found.setdefault(one.metric, _Taken(median, where, one.taken_at))
    return found


def _median(summary: Summary) -> float | None:
    if summary.statistics is None or summary.obtained is not Obtained.MEASURED:
        return None
    return summary.statistics.p50
