"""The stages of a run for one target, each taken from the cache when its inputs are the same."""

from dataclasses import dataclass, replace
from pathlib import Path

from device_harness.runners.documents import DocumentRunner
from exporter.data.base import Frozen
from exporter.data.facts.compression import LeftAlone
from exporter.data.facts.inspection import Inspection
from exporter.data.facts.parity import Parity
from exporter.data.progress import Advance
from exporter.data.settings.target import Target
from exporter.execution.stage import Done, Stage
from exporter.formats.format import Format
from exporter.formats.registry import format_named
from exporter.store.digests import tree_digest
from exporter.store.tools import machine_facts
from exporter.use_cases.job.model import ModelAtHand
from exporter.verification.compare import compare
from profilers.plan import ProfilePlan
from profilers.readings import Reading
from profilers.session import host_readings
from profilers.steadiness import cpu_share, disturbance

HOST_PLAN = ProfilePlan(
    processes=2,
    warmup_runs=5,
    warmup_min_s=0.2,
    runs=50,
    min_s=0.5,
    cool_down=False,
    energy_repeats=3,
    idle_s=2,
    energy_s=2,
)

_READINGS = tuple[Reading, ...]
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


def conversion_stage(model: ModelAtHand, target: Target) -> Stage:
    """The conversion, decided by source, settings and representative data."""
    calibrated = target.quantization.calibrated
    compressed = model.compressed(target.recipe)
    about_the_author = {"author", "license", "version", "description"}
    decided_by = (
        model.description.digest,
        model.description.model_dump(mode="json"),
        model.request.settings.model_dump(mode="json", include=about_the_author),
        dict(format_named(target.format).decides(target)),
        compressed.key if compressed else None,
        model.calibration.digest if calibrated and model.calibration else None,
        model.request.calibration_samples if calibrated else None,
    )
    return Stage("conversion", target.name, f"Converting for {target.name}", decided_by)


def convert(model: ModelAtHand, target: Target) -> Converted:
    """The artifact of `target`, converted unless the cache has it.

    Raises:
        UsageProblem: the target cannot be had from this source.
        ToolError: a converter failed.
    """
    done = model.stages.folder(conversion_stage(model, target), lambda folder: _convert_into(model, target, folder))
    facts = ConversionFacts.model_validate_json((done.value / "facts.json").read_bytes())
    return Converted(done.value, target, format_named(target.format), facts, done.key, done.from_cache)


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
    found = [_parity(model, converted, evaluator) for evaluator in converted.format.evaluators()]
    return tuple(done.value for done in found), all(done.from_cache for done in found)


def _parity(model: ModelAtHand, converted: Converted, evaluator: str) -> Done[Parity]:
    name, data = converted.target.name, model.evaluation
    decided_by = (
        evaluator,
        converted.facts.sha256,
        model.description.digest,
        model.origin.description.model_dump(mode="json"),
        model.origin.labels_given,
        data.digest,
        data.name,
        model.request.evaluation_samples,
    )

    def compute(advance: Advance) -> Parity:
        runner = converted.format.evaluator(evaluator, converted.path, model.origin)
        return compare(runner, model.reference_for(runner), advance)

    return model.stages.value(Stage("verification", name, f"Verifying {name}", decided_by), Parity, compute)


def readings(
    model: ModelAtHand, runner: DocumentRunner, path: Path, sha256: str, name: str
) -> tuple[tuple[Reading, ...], bool]:
    """Readings of an artifact on this machine, taken once a file and machine, and whether the cache had them.

    Those that other work disturbed are taken again, up to `TRIES` times, and once more in each later run; the least
    disturbed are kept. Whoever shows them says their age and what disturbed them; nothing is judged by disturbed ones.
    """
    decided_by = (sha256, machine_facts(), HOST_PLAN.model_dump(mode="json"))
    stage = Stage("readings", name, f"Measuring {name} on this machine", decided_by)
    best: tuple[Reading, ...] | None = model.stages.known(stage, _READINGS)
    if best is not None and disturbance(best) is None:
        return best, True
    kept = best
    for _ in range(TRIES if best is None else 1):
        again = " again, for other work disturbed it" if best is not None else ""
        with model.stages.working(replace(stage, says=f"{stage.says}{again}")):
            best = steadier(best, host_readings(path, HOST_PLAN, runner))
        if disturbance(best) is None:
            break
    assert best is not None, "TRIES is at least one"
    if best is not kept:
        model.stages.keep(stage, _READINGS, best)
    return best, best is kept


def steadier(before: tuple[Reading, ...] | None, after: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """The readings that other work disturbed less; the later ones where nothing tells them apart."""
    if before is None or disturbance(after) is None:
        return after
    return before if (cpu_share(before) or 0.0) > (cpu_share(after) or 0.0) else after
