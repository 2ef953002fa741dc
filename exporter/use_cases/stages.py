"""The stages of a run for one target, each taken from the cache when its inputs are the same."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from device_harness.runners.documents import DocumentRunner
from exporter.data.base import Frozen
from exporter.data.compression import LeftAlone
from exporter.data.inspection import Inspection
from exporter.data.parity import Parity
from exporter.data.target import Target
from exporter.formats.format import Format
from exporter.formats.registry import format_named
from exporter.store.cache import key_of
from exporter.store.digests import tree_digest
from exporter.store.tools import machine_facts
from exporter.use_cases.model import ModelAtHand
from exporter.use_cases.tools import tool_versions
from exporter.verification.compare import compare
from profilers.plan import ProfilePlan
from profilers.readings import Reading
from profilers.session import host_readings
from profilers.steadiness import cpu_share, disturbance

REVISION = 5
"""Raise it when a change of this program changes artifacts or verdicts made from the same input."""

HOST_PLAN = ProfilePlan(
    processes=2, warmup_runs=5, warmup_min_s=0.2, runs=50, min_s=0.5, cool_down=False,
    energy_repeats=3, idle_s=2, energy_s=2,
)  # fmt: skip

READINGS_REVISION = 3
"""Raise it when what a reading means changes."""

TRIES = 3
"""How often disturbed readings are taken in the run that takes them first."""


class ConversionFacts(Frozen):
    """What a conversion found out, beside its files."""

    sha256: str
    twin_sha256: str
    inspection: Inspection
    twin: Inspection
    left_alone: tuple[LeftAlone, ...]
    notes: tuple[str, ...]
    route: str
    conversion_s: float


@dataclass(frozen=True)
class Converted:
    """A conversion in the cache."""

    folder: Path
    target: Target
    format: Format
    facts: ConversionFacts
    settings_digest: str
    from_cache: bool

    @property
    def path(self) -> Path:
        """Of the artifact."""
        return self.folder / self.format.file_name

    @property
    def twin_path(self) -> Path:
        """Of the uncompressed twin."""
        return self.folder / self.format.twin_name


def conversion_key(model: ModelAtHand, target: Target) -> str:
    """Everything that decides an artifact: source, settings, representative data, tools."""
    calibrated = target.quantization.calibrated
    data = model.calibration.digest if calibrated and model.calibration else None
    compressed = model.compressed(target.recipe)
    return key_of(
        "conversion", REVISION, model.description.digest, model.description.model_dump(mode="json"),
        model.request.settings.model_dump(mode="json", include={"author", "license", "version", "description"}),
        dict(format_named(target.format).decides(target)), compressed.key if compressed else None, data,
        model.request.calibration_samples if calibrated else None, tool_versions(),
    )  # fmt: skip


def convert(model: ModelAtHand, target: Target) -> Converted:
    """The artifact of `target`, converted unless the cache has it.

    Raises:
        UsageProblem: the target cannot be had from this source.
        ToolError: a converter failed.
    """
    key = conversion_key(model, target)
    if model.request.force:
        model.cache.drop(key)
    entry = model.cache.find(key)
    from_cache = entry is not None
    if entry is None:
        with model.progress.stage(f"Converting for {target.name}"):
            entry = model.cache.store(key, lambda folder: _convert_into(model, target, folder))
    facts = ConversionFacts.model_validate_json((entry / "facts.json").read_bytes())
    return Converted(entry, target, format_named(target.format), facts, key, from_cache)


def _convert_into(model: ModelAtHand, target: Target, folder: Path) -> None:
    conversion = model.conversions(target.recipe).convert(target, folder)
    facts = ConversionFacts(
        sha256=tree_digest(conversion.path),
        twin_sha256=tree_digest(conversion.twin_path),
        inspection=conversion.inspection.model_copy(update={"path": conversion.path.name}),
        twin=conversion.twin.model_copy(update={"path": conversion.twin_path.name}),
        left_alone=conversion.left_alone,
        notes=conversion.notes,
        route=conversion.route,
        conversion_s=conversion.seconds,
    )
    (folder / "facts.json").write_text(facts.model_dump_json(), encoding="utf-8")


def parities(model: ModelAtHand, converted: Converted) -> tuple[tuple[Parity, ...], bool]:
    """Comparison with the source, one an evaluator that this machine has; and whether all came from the cache."""
    found, cached = [], True
    for name in converted.format.evaluators():
        key = key_of(
            "parity", REVISION, name, converted.facts.sha256, model.description.digest, model.evaluation.digest,
            model.evaluation.name, model.request.evaluation_samples, tool_versions(),
        )  # fmt: skip
        value, hit = _cached(model, key, Parity, lambda name=name: _compare(model, converted, name))  # type: ignore[misc]
        found.append(value)
        cached = cached and hit
    return tuple(found), cached


def _compare(model: ModelAtHand, converted: Converted, evaluator: str) -> Parity:
    runner = converted.format.evaluator(evaluator, converted.path, model.origin)
    reference = model.reference_for(runner)
    with model.progress.stage(f"Verifying {converted.target.name}") as advance:
        return compare(runner, reference, advance)


def readings(
    model: ModelAtHand, runner: DocumentRunner, path: Path, sha256: str, name: str
) -> tuple[tuple[Reading, ...], bool]:
    """Readings of an artifact on this machine, taken once a file and machine, and whether the cache had them.

    Those that other work disturbed are taken again, up to `TRIES` times, and once more in each later run; the least
    disturbed are kept. Whoever shows them says their age and what disturbed them; nothing is judged by disturbed ones.
    """
    key = key_of(
        "readings", READINGS_REVISION, sha256, machine_facts(), HOST_PLAN.model_dump(mode="json"), tool_versions()
    )
    adapter = TypeAdapter(tuple[Reading, ...])
    best = None if model.request.force else model.cache.read_json(key, adapter.validate_python)
    if best is not None and disturbance(best) is None:
        return best, True
    kept = best
    for _ in range(TRIES if best is None else 1):
        again = " again, for other work disturbed it" if best is not None else ""
        with model.progress.stage(f"Measuring {name} on this machine{again}"):
            best = steadier(best, host_readings(path, HOST_PLAN, runner))
        if disturbance(best) is None:
            break
    assert best is not None, "TRIES is at least one"
    if best is kept:
        return best, True
    model.cache.drop(key)
    model.cache.store_json(key, json.loads(adapter.dump_json(best)))
    return best, False


def steadier(before: tuple[Reading, ...] | None, after: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """The readings that other work disturbed less; the later ones where nothing tells them apart."""
    if before is None or disturbance(after) is None:
        return after
    return before if (cpu_share(before) or 0.0) > (cpu_share(after) or 0.0) else after


Model = TypeVar("Model", bound=BaseModel)


def _cached(model: ModelAtHand, key: str, kind: type[Model], compute: Callable[[], Model]) -> tuple[Model, bool]:
    if not model.request.force and (known := model.cache.read_json(key, kind.model_validate)) is not None:
        return known, True
    value = compute()
    model.cache.drop(key)
    model.cache.store_json(key, json.loads(value.model_dump_json()))
    return value, False
