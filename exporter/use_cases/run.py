"""The main job: convert for every target, verify, inspect, gate, measure, and record it all."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from exporter.config.targets import load_targets
from exporter.data.errors import UsageProblem
from exporter.data.progress import Progress
from exporter.data.results.record import RunRecord, SourceRecord, TargetRecord
from exporter.data.results.samples import Samples
from exporter.data.settings.target import Target
from exporter.data.verdict import exit_code
from exporter.execution.isolation import Trouble, attempt, hardest, told
from exporter.formats.registry import format_named
from exporter.store.cache import open_cache
from exporter.store.output import output_folder
from exporter.store.pictures import write_pictures
from exporter.store.runs import write_run
from exporter.store.tools import machine_facts
from exporter.use_cases.job.beside import converted_beside
from exporter.use_cases.job.compare import compare_with_source
from exporter.use_cases.job.convert import convert
from exporter.use_cases.job.judge import judge
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.postprocess import detection_of
from exporter.use_cases.job.profile import profile
from exporter.use_cases.job.readings import read_here
from exporter.use_cases.job.recipes import Compressed, compressed_model
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.job.tools import tool_versions
from exporter.use_cases.job.weigh import weigh
from exporter.use_cases.job.work import Stage, TargetWork
from exporter.verification.scoring import scoring

if TYPE_CHECKING:
    from exporter.use_cases.devices.choice import Selection

TOOL_FAILED = 3


STAGES: tuple[Stage, ...] = (convert, compare_with_source, read_here, profile, weigh, judge)
"""The work on a target, in this order."""


def run(request: RunRequest, progress: Progress) -> RunRecord:
    """Carry out `request`; artifacts, `run.json` and the returned record say the same.

    What fails is its target's error: the other targets are finished, recorded and reported. The record's exit code is
    the hardest that was met: 3 for a tool or this program, 2 for input found wrong while at work, 1 for a gate.

    Raises:
        UsageProblem: the request cannot be carried out as it stands; nothing was written.
        ToolError: the model cannot be had, or the record not be written.
    """
    started, created = time.monotonic(), datetime.now(UTC)
    targets = load_targets(request.target_names, user_file=request.targets_file, routes=request.routes)
    chosen = _chosen_devices(request, targets, progress)
    works = [TargetWork(target, format_named(target.format), chosen.get(target.name)) for target in targets]
    cache = open_cache(request.cache_root, progress.note)
    model = ModelAtHand(request, cache, progress)
    struck = attempt(lambda: _refuse_early(model, works), faults_only=True)
    with output_folder(request.output):
        said = () if struck is not None else attempt(lambda: model.warnings)
        begun = [work.struck(struck) for work in works] if struck is not None else _with_recipes(model, works)
        begun = converted_beside(model, begun) if len(begun) > 1 else begun
        done = [_worked(model, work) for work in begun]
        records = tuple(work.record(created, request.output) for work in done)
        outside = (said,) if isinstance(said, Trouble) else ()
        record = RunRecord(
            created_at=created,
            command_line=request.command_line,
            duration_s=time.monotonic() - started,
            machine=machine_facts(),
            tools=tool_versions(),
            source=_source_record(model, records) if struck is None else _unknown_source(request.spec),
            revision=request.revision,
            targets=records,
            stages=tuple(model.stages.times),
            warnings=() if isinstance(said, Trouble) else said,
            error=told(outside),
            exit_code=max(hardest(outside), _exit_code(done, strict=request.strict)),
        )
        samples = Samples(targets={work.target.name: work.samples() for work in done})
        write_pictures(request.output, {name: one for work in done for name, one in work.pictures().items()})
        record = write_run(request.output, record, samples)
    untidy = attempt(cache.tidy)
    if isinstance(untidy, Trouble):  # the run is done, whatever becomes of its cache
        progress.note(f"The cache {request.cache_root} could not be tidied: {untidy.reason}")
    return record


def _refuse_early(model: ModelAtHand, works: Sequence[TargetWork]) -> None:
    """Everything that can be known to be wrong before the long work starts."""
    calibrated = [work.target.name for work in works if work.target.quantization.calibrated]
    for work in works:
        target = work.target
        if target.name in calibrated and model.request.calibration is None:
            raise UsageProblem(
                f"target {target.name} quantizes activations and needs representative data: give --calibration."
            )
        detection_of(target.postprocessing, model.settings, target.name)
        refusal = work.format.refuse(target, model.description)
        if refusal is not None:
            raise UsageProblem(f"target {target.name}: {refusal}")
    if model.calibration is not None and calibrated:
        model.calibration.batch(model.calibration.runs(1)[0])
    if model.request.accuracy_there and (not model.request.devices or model.request.evaluation is None):
        raise UsageProblem(
            "--accuracy-on-device has devices compute the evaluation data: give --device and --evaluation."
        )
    if model.request.verify:
        scoring(model.settings.task, model.origin.description, model.evaluation)
        model.evaluation.batch(model.evaluation.runs(1)[0])


def _with_recipes(model: ModelAtHand, works: Sequence[TargetWork]) -> list[TargetWork]:
    """Each with what its recipe made of the source; a recipe is carried out once, for all of its targets."""
    recipes = dict.fromkeys(work.target.recipe for work in works if work.target.recipe is not None)
    made = {recipe: attempt(partial(compressed_model, model, recipe)) for recipe in recipes}
    return [work if work.target.recipe is None else _with(work, made[work.target.recipe]) for work in works]


def _with(work: TargetWork, compressed: Compressed | Trouble) -> TargetWork:
    return work.struck(compressed) if isinstance(compressed, Trouble) else replace(work, compressed=compressed)


def _worked(model: ModelAtHand, work: TargetWork) -> TargetWork:
    """`work` through the stages; what strikes it in one of them leaves the others, and other targets, alone."""
    for stage in STAGES:
        if work.lost:
            break
        found = attempt(partial(stage, model, work))
        work = work.struck(found) if isinstance(found, Trouble) else found
    return work


def _chosen_devices(request: RunRequest, targets: Sequence[Target], progress: Progress) -> "dict[str, Selection]":
    """What each target is measured on; devices are looked for once, and only where some are asked for."""
    if not request.devices:
        return {}
    from device_harness.discovery import discover
    from exporter.use_cases.devices.choice import Selection, selections
    from exporter.use_cases.lab.profile import check_lab

    if request.lab is not None:
        asked = check_lab(request.devices, targets, request.lab, progress)
        return {name: Selection(devices) for name, devices in asked.items()}
    return selections(request.devices, targets, discover())


def _source_record(model: ModelAtHand, records: Sequence[TargetRecord]) -> SourceRecord:
    description = model.description
    found = [parity for record in records for parity in record.parities]
    return SourceRecord(
        spec=description.spec,
        digest=description.digest,
        inputs={spec.name: spec.shape for spec in description.inputs},
        flexible={spec.name: str(spec.flexible) for spec in description.inputs if spec.flexible is not None},
        license=model.settings.license,
        parameters=description.parameters,
        size_bytes=description.size_bytes,
        top1=found[0].source_top1 if found else None,
        top5=found[0].source_top5 if found else None,
        samples=found[0].samples if found else None,
    )


def _unknown_source(spec: str) -> SourceRecord:
    """What is known of a source that a fault kept from being looked at."""
    return SourceRecord(spec=spec, digest="", inputs={}, parameters=0, size_bytes=0)


def _exit_code(works: Sequence[TargetWork], *, strict: bool) -> int:
    """The hardest: a failed tool or device (3) over input found wrong (2) over what the verdicts say (0 or 1)."""
    devices = any(item.error for work in works for item in work.profiles)
    judged = exit_code((verdict for work in works for verdict in work.verdicts), strict=strict)
    return max(judged, TOOL_FAILED if devices else 0, *(hardest(work.troubles) for work in works))
