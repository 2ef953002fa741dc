"""The main job: convert for every target, verify, inspect, gate, measure, and record it all."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.config.targets import load_targets
from exporter.data.errors import ToolError, UsageProblem
from exporter.data.progress import Progress
from exporter.data.record import Artifact, DeviceProfile, Parity, RunRecord, SourceRecord, StepResult, TargetRecord
from exporter.data.source import SourceKind
from exporter.data.target import CoremlTarget, Target
from exporter.data.units import format_size
from exporter.data.verdict import Verdict, exit_code, judge, not_checked
from exporter.execution.isolation import Trouble, Troubles, attempt
from exporter.formats.common.session import FILE_NAMES
from exporter.gates.artifact import judge_artifact
from exporter.gates.files import file_verdicts
from exporter.gates.harm import conversion_warnings
from exporter.gates.parity import parity_verdicts, parity_warnings
from exporter.gates.readings import judge_readings
from exporter.report.facts import caveats, host_readings
from exporter.store.cache import Cache
from exporter.store.output import output_folder, publish, write_text
from exporter.store.tools import machine_facts, tool_versions
from exporter.use_cases.host import Readings, readings_here
from exporter.use_cases.model import ModelAtHand
from exporter.use_cases.request import RunRequest
from exporter.use_cases.stages import Converted, convert, parities

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
        if isinstance(target, CoremlTarget) and model.description.kind is SourceKind.ONNX:
            raise UsageProblem(
                f"target {target.name}: an ONNX model cannot become Core ML (coremltools dropped ONNX). "
                "Give the PyTorch model: a factory, a .pt2 or a TorchScript file."
            )
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
    path = output / target.name / FILE_NAMES[target.format]
    return (f"{path} is of an earlier run: this one made no artifact",) if path.exists() else ()


def _made(model: ModelAtHand, target: Target) -> tuple[Converted, Artifact]:
    """The conversion, and the artifact in its place in the output folder."""
    converted = convert(model, target)
    compressed = model.compressed(target.recipe)
    path = Path(target.name) / FILE_NAMES[target.format]
    publish(converted.path, model.request.output / path)
    if compressed is not None:
        publish(compressed.path, model.request.output / target.name / compressed.path.name)
    return converted, _artifact(model, converted, path)


def _examined(
    model: ModelAtHand, converted: Converted, artifact: Artifact, devices: "Selection | None", troubles: Troubles
) -> dict[str, Any]:
    """Everything found out about an artifact; what could not be is not checked, with the reason."""
    target, facts = converted.target, converted.facts
    compared, compared_cached, why_not = _parities(model, converted, troubles)
    no_readings: Readings = ((), [], False)
    taken, slower, taken_cached = troubles.attempt(lambda: readings_here(model, converted), no_readings)
    outcomes = [
        verdict
        for parity in compared or (None,)
        for verdict in parity_verdicts(target, parity, why_not, strict=model.request.strict)
    ]
    unprofiled: list[DeviceProfile] = []
    profiles = troubles.attempt(
        lambda: _profiles(model, target, model.request.output / artifact.path, devices), unprofiled
    )
    outcomes += file_verdicts(target.name, converted.path, model.description.labels)
    verdicts = [*_size_verdicts(target, converted, troubles), *outcomes, *device_verdicts(target, profiles)]
    stages = {"conversion": converted.from_cache, "verification": compared_cached, "readings": taken_cached}
    warnings = conversion_warnings(target, facts.inspection, facts.twin, facts.left_alone)
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
        "warnings": (*_step_warnings(steps), *facts.notes, *warnings, *slower, *parity_warnings(compared, outcomes)),
        "from_cache": tuple(name for name, cached in stages.items() if cached),
    }


def _step_warnings(steps: Sequence[StepResult]) -> list[str]:
    return [f"{step.method}: {warning}" for step in steps for warning in step.warnings]


def device_verdicts(target: Target, profiles: Sequence[DeviceProfile]) -> list[Verdict]:
    """Those of all profiles, and not checked for every budget that only a device can decide when none gave readings."""
    found = [verdict for item in profiles for verdict in item.verdicts]
    return found if any(item.result for item in profiles) else [*unprofiled_verdicts(target), *found]


def unprofiled_verdicts(target: Target) -> list[Verdict]:
    """Not checked, for every budget that only a device can decide, when none gave readings."""
    reason = f"no device of {target.name} gave readings; --device names one"
    verdicts = judge_readings(target.name, (), target.budgets)
    if target.budgets.neural_engine is not None:
        limit = target.budgets.neural_engine
        verdicts.append(not_checked(target.name, "neural_engine", "1", reason, limit=limit))
    return [verdict.model_copy(update={"reason": reason}) for verdict in verdicts]


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
    from exporter.formats.coreml.reference.errors import ModelFileError, ModelInputError, UnsupportedOpError

    try:
        return *parities(model, converted), ""
    except UnsupportedOpError as error:
        # The artifact is there; the evaluator refuses an operation of it, so nothing is known, and that is said.
        return (), False, str(error)
    except (ModelFileError, ModelInputError) as error:
        raise ToolError(str(error)) from error  # nobody gave this file: it was made here


def _profiles(model: ModelAtHand, target: Target, artifact: Path, devices: "Selection | None") -> list[DeviceProfile]:
    if devices is None:
        return []
    from exporter.use_cases.devices import profile_on_devices

    return profile_on_devices(target, artifact, devices, model.request.plan, model.progress.note)


def _chosen_devices(request: RunRequest, targets: Sequence[Target]) -> "dict[str, Selection]":
    """What each target is measured on; devices are looked for once, and only where some are asked for."""
    if not request.devices:
        return {}
    from device_harness.discovery import discover
    from exporter.use_cases.devices import selections

    return selections(request.devices, targets, discover())


def _size_verdicts(target: Target, converted: Converted, troubles: Troubles) -> list[Verdict]:
    """Bytes as written, and what they add to a store's download."""
    size, limit = converted.facts.inspection.size_bytes, target.budgets.size
    verdicts = []
    if limit is not None:
        reason = f"{format_size(size)} of {format_size(limit)}"
        verdicts.append(judge(target.name, "size", size, "B", limit=limit, bound="at most", reason=reason))
    if target.budgets.download is None:
        return verdicts
    found = attempt(lambda: judge_artifact(converted.path, target.name, download=target.budgets.download)[1])
    if isinstance(found, Trouble):
        troubles.found.append(found)
        reason = f"its download could not be measured: {found.reason}"
        return [*verdicts, not_checked(target.name, "download", "B", reason, limit=target.budgets.download)]
    return [*verdicts, *found]


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
