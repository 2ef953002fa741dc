"""Everything that a run finds out about one artifact: what is compared, measured and judged."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exporter.data.errors import ArtifactError, NotEvaluableError, ToolError
from exporter.data.facts.artifact import Artifact
from exporter.data.facts.compression import StepResult
from exporter.data.facts.parity import Parity
from exporter.data.facts.profile import DeviceProfile, measured, profile_of
from exporter.data.facts.sizes import Measurement
from exporter.data.results.record import TargetRecord
from exporter.data.results.samples import TargetSamples
from exporter.data.settings.target import Target
from exporter.data.verdict import Verdict
from exporter.execution.isolation import Trouble, Troubles, attempt
from exporter.formats.files import file_facts
from exporter.formats.registry import advice_for
from exporter.gates.artifact import artifact_verdicts
from exporter.gates.devices import device_verdicts
from exporter.gates.files import file_verdicts
from exporter.gates.harm import conversion_warnings, step_warnings
from exporter.gates.parity import parity_verdicts, parity_warnings
from exporter.sizes.measure import measure
from exporter.sizes.packaging import Options
from exporter.use_cases.job.host import Readings, readings_here
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.stages import Converted, parities

if TYPE_CHECKING:
    from exporter.use_cases.devices.choice import Selection


class Compared(NamedTuple):
    """Comparisons, whether all came from the cache, and why there are none."""

    parities: tuple[Parity, ...]
    cached: bool
    why_not: str


class Examined(NamedTuple):
    """What goes into the record, and the raw samples that go beside it."""

    record: TargetRecord
    samples: TargetSamples


def examine(
    model: ModelAtHand,
    known: TargetRecord,
    converted: Converted,
    devices: "Selection | None",
    at: datetime,
    troubles: Troubles,
) -> Examined:
    """`known` with everything found out about its artifact; what could not be is not checked, with the reason.

    Args:
        model: the source at hand.
        known: the target with its artifact.
        converted: the artifact and its twin.
        devices: what it is measured on.
        at: when the run began.
        troubles: takes what fails.
    """
    target, artifact = converted.target, known.artifact
    assert artifact is not None
    compared = _compared(model, converted, troubles)
    none_taken: Readings = ((), [], False)
    taken, slower, cached = troubles.attempt(lambda: readings_here(model, converted), none_taken)
    unprofiled: list[DeviceProfile] = []
    profiles = troubles.attempt(lambda: _profiles(model, target, artifact, devices), unprofiled)
    verdicts = _content_verdicts(model, converted, compared)
    stages = {"conversion": converted.from_cache, "verification": compared.cached, "readings": cached}
    found = {
        "inspection": converted.facts.inspection,
        "parities": compared.parities,
        "verdicts": (
            *artifact_verdicts(_sizes(target, converted, troubles)),
            *verdicts,
            *device_verdicts(target, profiles),
        ),
        "steps": _steps(model, target),
        "host": measured(taken, at) if taken else None,
        "profiles": tuple(profile_of(item, at) for item in profiles),
        "warnings": (*_harm(model, converted), *slower, *parity_warnings(compared.parities, verdicts)),
        "from_cache": tuple(name for name, hit in stages.items() if hit),
    }
    samples = {item.device: item.result.readings for item in profiles if item.result}
    return Examined(known.model_copy(update=found), TargetSamples(host=taken, profiles=samples))


def _steps(model: ModelAtHand, target: Target) -> tuple[StepResult, ...]:
    compressed = model.compressed(target.recipe)
    return compressed.steps if compressed is not None else ()


def _harm(model: ModelAtHand, converted: Converted) -> list[str]:
    """What compression and conversion did that nobody asked for, in numbers."""
    target, facts = converted.target, converted.facts
    warnings = conversion_warnings(advice_for(target), facts.inspection, facts.twin, facts.left_alone)
    return [*step_warnings(_steps(model, target)), *facts.notes, *warnings]


def _content_verdicts(model: ModelAtHand, converted: Converted, compared: Compared) -> list[Verdict]:
    """Of what the artifact computes and of what its file itself shows."""
    target, strict = converted.target, model.request.strict
    advice = advice_for(target)
    outcomes = [
        verdict
        for parity in compared.parities or (None,)
        for verdict in parity_verdicts(target, parity, compared.why_not, strict=strict, advice=advice)
    ]
    return [*outcomes, *file_verdicts(target.name, file_facts(converted.path), model.description.labels)]


def _compared(model: ModelAtHand, converted: Converted, troubles: Troubles) -> Compared:
    if not model.request.verify:
        return Compared((), False, "verification was switched off")
    result = attempt(lambda: _run_evaluators(model, converted))
    if isinstance(result, Trouble):
        troubles.found.append(result)
        return Compared((), False, f"verification failed: {result.reason}")
    return result


def _run_evaluators(model: ModelAtHand, converted: Converted) -> Compared:
    try:
        return Compared(*parities(model, converted), "")
    except NotEvaluableError as error:
        # The artifact is there; the evaluator refuses an operation of it, so nothing is known, and that is said.
        return Compared((), False, str(error))
    except ArtifactError as error:
        raise ToolError(str(error)) from error  # nobody gave this file: it was made here


def _profiles(
    model: ModelAtHand, target: Target, artifact: Artifact, devices: "Selection | None"
) -> list[DeviceProfile]:
    if devices is None:
        return []
    from exporter.use_cases.profile import profile_on_devices

    path: Path = model.request.output / artifact.path
    return profile_on_devices(target, path, devices, model.request.plan, model.progress.note)


def _sizes(target: Target, converted: Converted, troubles: Troubles) -> Measurement:
    """The artifact's bytes as written and, where a budget asks for it, what it adds to a store's download."""
    budgets = {"size": target.budgets.size, "download": target.budgets.download}
    limits = {metric: limit for metric, limit in budgets.items() if limit is not None}
    whose = {"subject": target.name, "target": target.name, "limits": limits}
    size = converted.facts.inspection.size_bytes
    plain = Measurement(subject="", kind=target.format, size_bytes=size, install=None, download=None)
    if "download" in limits:
        found = attempt(lambda: measure(converted.path, Options())[0])
        if isinstance(found, Trouble):
            troubles.found.append(found)
            found = plain.model_copy(update={"unavailable": f"it could not be measured: {found.reason}"})
        return found.model_copy(update=whose)
    return plain.model_copy(update=whose)
