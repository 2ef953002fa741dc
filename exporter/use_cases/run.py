"""The main job: convert for every target, verify, inspect, gate, measure, and record it all."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exporter.config.targets import load_targets
from exporter.data.errors import UsageProblem
from exporter.data.facts.artifact import Artifact
from exporter.data.progress import Progress
from exporter.data.results.record import RunRecord, SourceRecord, TargetRecord
from exporter.data.results.samples import Samples, TargetSamples
from exporter.data.settings.target import Target
from exporter.data.verdict import exit_code
from exporter.execution.isolation import Trouble, Troubles, attempt
from exporter.formats.registry import format_named
from exporter.store.cache import Cache
from exporter.store.output import output_folder, publish
from exporter.store.runs import write_run
from exporter.store.tools import machine_facts
from exporter.use_cases.job.examine import Examined, examine
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.job.stages import Converted, convert
from exporter.use_cases.job.tools import tool_versions

if TYPE_CHECKING:
    from exporter.use_cases.devices.choice import Selection

TOOL_FAILED = 3


class Outcome(NamedTuple):
    """One target's record, its raw samples and its exit code."""

    record: TargetRecord
    samples: TargetSamples
    exit_code: int


def run(request: RunRequest, progress: Progress) -> RunRecord:
    """Carry out `request`; artifacts, `run.json` and the returned record say the same.

    What fails is its target's error: the other targets are finished, recorded and reported. The record's exit code is
    the hardest that was met: 3 for a tool or this program, 2 for input found wrong while at work, 1 for a gate.

    Raises:
        UsageProblem: the request cannot be carried out as it stands; nothing was written.
        ToolError: the model cannot be had, or the record not be written.
    """
    started, created = time.monotonic(), datetime.now(UTC)
    targets = load_targets(request.target_names, user_file=request.targets_file)
    chosen = _chosen_devices(request, targets)
    cache = Cache(request.cache_root)
    model = ModelAtHand(request, cache, progress)
    struck = attempt(lambda: _refuse_early(model, targets), faults_only=True)
    with output_folder(request.output):
        outside = Troubles()
        said = () if struck is not None else outside.attempt(lambda: model.warnings, tuple[str, ...]())
        outcomes = [_outcome(model, target, chosen.get(target.name), created, struck) for target in targets]
        records = tuple(outcome.record for outcome in outcomes)
        record = RunRecord(
            created_at=created,
            command_line=request.command_line,
            duration_s=time.monotonic() - started,
            machine=machine_facts(),
            tools=tool_versions(),
            source=_source_record(model, records) if struck is None else _unknown_source(request.spec),
            targets=records,
            stages=tuple(model.stages.times),
            warnings=said,
            error=outside.sentences,
            exit_code=max(outside.exit_code, _exit_code(outcomes, strict=request.strict)),
        )
        samples = Samples(targets={outcome.record.name: outcome.samples for outcome in outcomes})
        record = write_run(request.output, record, samples)
    untidy = attempt(cache.tidy)
    if isinstance(untidy, Trouble):  # the run is done, whatever becomes of its cache
        progress.note(f"The cache {request.cache_root} could not be tidied: {untidy.reason}")
    return record


def _refuse_early(model: ModelAtHand, targets: Sequence[Target]) -> None:
    """Everything that can be known to be wrong before the long work starts."""
    for target in targets:
        if target.quantization.calibrated and model.request.calibration is None:
            raise UsageProblem(
                f"target {target.name} quantizes activations and needs representative data: give --calibration."
            )
        refusal = format_named(target.format).refuse(target, model.description)
        if refusal is not None:
            raise UsageProblem(f"target {target.name}: {refusal}")
    if model.calibration is not None and any(target.quantization.calibrated for target in targets):
        model.calibration.batch(model.calibration.runs(1)[0])
    if model.request.verify:
        model.evaluation.batch(model.evaluation.runs(1)[0])


def _outcome(
    model: ModelAtHand, target: Target, devices: "Selection | None", at: datetime, struck: Trouble | None
) -> Outcome:
    """One target's record and exit code; whatever fails on it leaves the others alone.

    Args:
        devices: what it is measured on.
        at: when the run began.
        struck: a fault that came before any target's work; nothing is tried after it.
    """
    settings = target.model_dump(mode="json")
    record = TargetRecord(name=target.name, format=target.format, minimum_os=target.minimum_os, settings=settings)
    troubles = Troubles()
    if struck is not None:
        troubles.found.append(struck)
        found = None
    else:
        found = troubles.attempt(lambda: _worked(model, target, record, devices, at, troubles), None)
    if found is None:
        left = record.model_copy(update={"warnings": _left_over(model.request.output, target)})
        found = Examined(left, TargetSamples())
    told = found.record.model_copy(update={"error": troubles.sentences})
    return Outcome(told, found.samples, troubles.exit_code)


def _worked(
    model: ModelAtHand,
    target: Target,
    record: TargetRecord,
    devices: "Selection | None",
    at: datetime,
    troubles: Troubles,
) -> Examined:
    """The artifact in its place, and what was found out about it."""
    converted, artifact = _made(model, target)
    known = record.model_copy(update={"artifact": artifact})
    nothing = Examined(known, TargetSamples())
    return troubles.attempt(lambda: examine(model, known, converted, devices, at, troubles), nothing)


def _left_over(output: Path, target: Target) -> tuple[str, ...]:
    """An earlier run's artifact, which this run does not stand for, is named."""
    path = output / target.name / format_named(target.format).file_name
    return (f"{path} is of an earlier run: this one made no artifact",) if path.exists() else ()


def _made(model: ModelAtHand, target: Target) -> tuple[Converted, Artifact]:
    """The conversion, and the artifact in its place in the output folder."""
    converted = convert(model, target)
    compressed = model.compressed(target.recipe)
    path = Path(target.name) / format_named(target.format).file_name
    publish(converted.path, model.request.output / path)
    if compressed is not None:
        publish(compressed.path, model.request.output / target.name / compressed.path.name)
    return converted, _artifact(model, converted, path)


def _chosen_devices(request: RunRequest, targets: Sequence[Target]) -> "dict[str, Selection]":
    """What each target is measured on; devices are looked for once, and only where some are asked for."""
    if not request.devices:
        return {}
    from device_harness.discovery import discover
    from exporter.use_cases.devices.choice import selections

    return selections(request.devices, targets, discover())


def _artifact(model: ModelAtHand, converted: Converted, path: Path) -> Artifact:
    facts = converted.facts
    return Artifact(
        path=path.as_posix(),
        format=converted.target.format,
        target=converted.target.name,
        sha256=facts.sha256,
        size_bytes=facts.inspection.size_bytes,
        source_digest=model.description.digest,
        settings_digest=converted.settings_digest,
        tools=tool_versions(),
        left_alone=facts.left_alone,
        twin_size_bytes=facts.twin.size_bytes,
        route=facts.route,
        conversion_s=facts.conversion_s,
    )


def _source_record(model: ModelAtHand, records: Sequence[TargetRecord]) -> SourceRecord:
    description = model.description
    found = [parity for record in records for parity in record.parities]
    return SourceRecord(
        spec=description.spec,
        digest=description.digest,
        inputs={spec.name: spec.shape for spec in description.inputs},
        parameters=description.parameters,
        size_bytes=description.size_bytes,
        top1=found[0].source_top1 if found else None,
        top5=found[0].source_top5 if found else None,
        samples=found[0].samples if found else None,
    )


def _unknown_source(spec: str) -> SourceRecord:
    """What is known of a source that a fault kept from being looked at."""
    return SourceRecord(spec=spec, digest="", inputs={}, parameters=0, size_bytes=0)


def _exit_code(outcomes: Sequence[Outcome], *, strict: bool) -> int:
    """The hardest: a failed tool or device (3) over input found wrong (2) over what the verdicts say (0 or 1)."""
    devices = any(outcome.record.device_errors for outcome in outcomes)
    judged = exit_code((verdict for outcome in outcomes for verdict in outcome.record.verdicts), strict=strict)
    return max(judged, TOOL_FAILED if devices else 0, *(outcome.exit_code for outcome in outcomes))
