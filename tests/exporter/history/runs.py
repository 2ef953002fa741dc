"""Runs to be kept: one target on one phone, with typical figures."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from exporter.data.facts.parity import Parity
from exporter.data.facts.profile import Profile, measured
from exporter.data.facts.revision import Revision
from exporter.data.results.record import TargetRecord
from exporter.data.results.samples import Samples, TargetSamples
from exporter.store.runs import write_run
from profilers.readings import Reading
from tests.exporter import typical

START = datetime(2026, 10, 1, 3, tzinfo=UTC)
PHONE = "R5CT123"
CONDITIONS = {"threads": "1", "accelerator": "cpu", "quick": "false", "ran_on": "cpu"}


def write(
    folder: Path,
    *,
    day: int = 0,
    at: datetime | None = None,
    commit: str | None = "0" * 40,
    dirty: bool = False,
    latency_s: float | None = 0.010,
    size: int = 1000,
    top1: float = 0.95,
    taken_at: datetime | None = None,
) -> Path:
    """A run's folder; gives its `run.json`.

    Args:
        folder: to make.
        day: after `START`, at which it ran.
        at: when it ran, in the place of `day`.
        commit: that it was made from; None where that is not known.
        dirty: whether files differed from it.
        latency_s: of the phone; None where the phone was unplugged.
        size: of the file in bytes.
        top1: accuracy in [0, 1].
        taken_at: of the reading; None takes the run's.
    """
    folder.mkdir(parents=True)
    at = at or START + timedelta(days=day)
    readings = () if latency_s is None else (_latency(latency_s, taken_at or at),)
    profile = (
        Profile(device=PHONE, measured=measured(readings, at)) if readings else Profile(device=PHONE, error="gone")
    )
    target = TargetRecord(
        name="int8",
        format="tflite",
        minimum_os="Android 14",
        settings={},
        artifact=typical.artifact(path="int8/model.tflite", size_bytes=size),
        parities=(_parity(top1),),
        profiles=(profile,),
    )
    revision = Revision(commit=commit, dirty=dirty) if commit else None
    record = typical.run(created_at=at, targets=(target,), revision=revision)
    write_run(folder, record, Samples(targets={"int8": TargetSamples(profiles={PHONE: readings} if readings else {})}))
    return folder / "run.json"


def write_many(folder: Path, latencies: Sequence[float | None], **changes: list[int]) -> list[Path]:
    """A run a day, each of a commit of its own, which is the number of the day."""
    sizes = changes.get("sizes", [1000] * len(latencies))
    return [
        write(folder / f"{day:03}", day=day, commit=f"c{day:03}", latency_s=latency, size=sizes[day])
        for day, latency in enumerate(latencies)
    ]


def noisy(count: int, middle: float = 0.010, seed: int = 1) -> list[float | None]:
    """Latencies that differ by 1 % from run to run."""
    generator = random.Random(seed)
    return [middle * generator.lognormvariate(0, 0.01) for _ in range(count)]


def _latency(seconds: float, at: datetime) -> Reading:
    samples = tuple(seconds * (1 + place / 1e4) for place in (-1, 0, 1)) * 3
    return typical.reading(samples=samples, groups=(3, 3, 3), device=PHONE, taken_at=at, conditions=CONDITIONS)


def _parity(top1: float) -> Parity:
    facts = {"data": "digits", "samples": 1000, "evaluator": "LiteRT 2.1.0", "cosine": 1, "max_abs_error": 0}
    more = {"snr_db": 30, "top1": top1, "source_top1": 0.96, "top1_lost": 10, "top1_gained": 0}
    return Parity.model_validate({**facts, **more})
