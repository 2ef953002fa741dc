"""The main job: convert for every target, verify, inspect, gate, measure, and record it all."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.config.targets import load_targets
from exporter.data.artifact import Artifact
from exporter.data.errors import ArtifactError, NotEvaluableError, ToolError, UsageProblem
from exporter.data.parity import Parity
from exporter.data.progress import Progress
from exporter.data.record import DeviceProfile, RunRecord, SourceRecord, TargetRecord
from exporter.data.sizes import Measurement
from exporter.data.target import Target
from exporter.data.verdict import exit_code
from exporter.execution.isolation import Trouble, Troubles, attempt
from exporter.formats.coreml.compile import compile_on_mac
from exporter.formats.files import file_facts
from exporter.formats.registry import advice_for, format_named
from exporter.gates.artifact import artifact_verdicts
from exporter.gates.devices import device_verdicts
from exporter.gates.files import file_verdicts
from exporter.gates.harm import caveats, conversion_warnings, step_warnings
from exporter.gates.parity import parity_verdicts, parity_warnings
from exporter.report.summary import host_readings
from exporter.sizes.measure import measure, size_limits
from exporter.sizes.packaging import Options
from exporter.store.cache import Cache
from exporter.store.output import output_folder, publish, write_text
from exporter.store.tools import machine_facts
from exporter.use_cases.host import Readings, readings_here
from exporter.use_cases.model import ModelAtHand
from exporter.use_cases.request import RunRequest
from exporter.use_cases.stages import Converted, convert, parities
from exporter.use_cases.tools import tool_versions

if TYPE_CHECKING:
    from exporter.use_cases.device_choice import Selection

TOOL_FAILED = 3


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
        outcomes = [_outcome(model, target, chosen.get(target.name), struck) for target in targets]
        records = [_with_caveats(record, created) for record, _ in outcomes]
        record = RunRecord(
            created_at=created,
            command_line=request.command_line,
            duration_s=time.monotonic() - started,
            machine=machine_facts(),
            tools=tool_versions(),
            source=_source_record(model, records) if struck is None else _unknown_source(request.spec),
            targets=tuple(records),
            warnings=said,
            error=outside.sentences,
            exit_code=max(outside.exit_code, _exit_code(outcomes, strict=request.strict)),
        )
        write_text(request.output / "run.json", record.model_dump_json(indent=1))
    untidy = attempt(cache.tidy)
    if isinstance(untidy, Trouble):  # the run is done, whatever becomes of its cache
        progress.note(f"The cache {request.cache_root} could not be tidied: {untidy.reason}")
    return record


def _with_caveats(record: TargetRecord, at: datetime) -> TargetRecord:
    """With what the reports say beside this machine's readings, for readers of `run.json`."""
    return record.model_copy(update={"caveats": tuple(caveats(host_readings(record), at))})


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
    model: ModelAtHand, target: Target, devices: "Selection | None", struck: Trouble | None
) -> tuple[TargetRecord, int]:
    """One target's record and exit code; whatever fails on it leaves the others alone.

    Args:
        devices: what it is measured on.
        struck: a fault that came before any target's work; nothing is tried after it.
    """
    settings = target.model_dump(mode="json")
    facts: dict[str, Any] = {
        "name": target.name,
        "format": target.format,
        "minimum_os": target.minimum_os,
        "settings": settings,
    }
    troubles = Troubles()
    if struck is not None:
        troubles.found.append(struck)
    else:
        made = troubles.attempt(lambda: _made(model, target), None)
        facts["artifact"] = None if made is None else made[1]
        if made is not None:
            facts |= troubles.attempt(lambda: _examined(model, *made, devices, troubles), dict[str, Any]())
    if facts.get("artifact") is None:
        facts["warnings"] = _left_over(model.request.output, target)
    return TargetRecord.model_validate({**facts, "error": troubles.sentences}), troubles.exit_code


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


def _examined(
    model: ModelAtHand, converted: Converted, artifact: Artifact, devices: "Selection | None", troubles: Troubles
) -> dict[str, Any]:
    """Everything found out about an artifact; what could not be is not checked, with the reason."""
    target, facts = converted.target, converted.facts
    advice = advice_for(target)
    compared, compared_cached, why_not = _parities(model, converted, troubles)
    no_readings: Readings = ((), [], False)
    taken, slower, taken_cached = troubles.attempt(lambda: readings_here(model, converted), no_readings)
    outcomes = [
        verdict
        for parity in compared or (None,)
        for verdict in parity_verdicts(target, parity, why_not, strict=model.request.strict, advice=advice)
    ]
    unprofiled: list[DeviceProfile] = []
    profiles = troubles.attempt(
        lambda: _profiles(model, target, model.request.output / artifact.path, devices), unprofiled
    )
    outcomes += file_verdicts(target.name, file_facts(converted.path), model.description.labels)
    sizes = artifact_verdicts(_sizes(target, converted, troubles))
    verdicts = [*sizes, *outcomes, *device_verdicts(target, profiles)]
    stages = {"conversion": converted.from_cache, "verification": compared_cached, "readings": taken_cached}
    warnings = conversion_warnings(advice, facts.inspection, facts.twin, facts.left_alone)
    compressed = model.compressed(target.recipe)
    steps = compressed.steps if compressed is not None else ()
    return {
        "inspection": facts.inspection.model_dump(mode="json"),
        "parities": compared,
        "verdicts": tuple(verdicts),
        "steps": steps,
        "readings": (*taken, *(reading for item in profiles if item.result for reading in item.result.readings)),
        "profiles": tuple(profiles),
        "device_errors": tuple(f"{item.device}: {item.error}" for item in profiles if item.error),
        "warnings": (*step_warnings(steps), *facts.notes, *warnings, *slower, *parity_warnings(compared, outcomes)),
        "from_cache": tuple(name for name, cached in stages.items() if cached),
    }


def _parities(model: ModelAtHand, converted: Converted, troubles: Troubles) -> tuple[tuple[Parity, ...], bool, str]:
    """Comparisons, whether all came from the cache, and why there are none."""
    if not model.request.verify:
        return (), False, "verification was switched off"
    result = attempt(lambda: _compared(model, converted))
    if isinstance(result, Trouble):
        troubles.found.append(result)
        return (), False, f"verification failed: {result.reason}"
    return result


def _compared(model: ModelAtHand, converted: Converted) -> tuple[tuple[Parity, ...], bool, str]:
    try:
        return *parities(model, converted), ""
    except NotEvaluableError as error:
        # The artifact is there; the evaluator refuses an operation of it, so nothing is known, and that is said.
        return (), False, str(error)
    except ArtifactError as error:
        raise ToolError(str(error)) from error  # nobody gave this file: it was made here


def _profiles(model: ModelAtHand, target: Target, artifact: Path, devices: "Selection | None") -> list[DeviceProfile]:
    if devices is None:
        return []
    from exporter.use_cases.profile import profile_on_devices

    return profile_on_devices(target, artifact, devices, model.request.plan, model.progress.note)


def _chosen_devices(request: RunRequest, targets: Sequence[Target]) -> "dict[str, Selection]":
    """What each target is measured on; devices are looked for once, and only where some are asked for."""
    if not request.devices:
        return {}
    from device_harness.discovery import discover
    from exporter.use_cases.device_choice import selections

    return selections(request.devices, targets, discover())


def _sizes(target: Target, converted: Converted, troubles: Troubles) -> Measurement:
    """The artifact's bytes as written and, where a budget asks for it, what it adds to a store's download."""
    facts: dict[str, Any] = {
        "subject": target.name,
        "target": target.name,
        "limits": size_limits(target.model_dump(mode="json")),
    }
    size = converted.facts.inspection.size_bytes
    plain = Measurement(kind=target.format, size_bytes=size, install=None, download=None, **facts)
    if target.budgets.download is None:
        return plain
    found = attempt(lambda: measure(converted.path, Options(), compile_model=compile_on_mac)[0])
    if isinstance(found, Trouble):
        troubles.found.append(found)
        return plain.model_copy(update={"unavailable": f"it could not be measured: {found.reason}"})
    return found.model_copy(update=facts)


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


def _exit_code(outcomes: Sequence[tuple[TargetRecord, int]], *, strict: bool) -> int:
    """The hardest: a failed tool or device (3) over input found wrong (2) over what the verdicts say (0 or 1)."""
    devices = any(record.device_errors for record, _ in outcomes)
    judged = exit_code((verdict for record, _ in outcomes for verdict in record.verdicts), strict=strict)
    return max(judged, TOOL_FAILED if devices else 0, *(code for _, code in outcomes))
