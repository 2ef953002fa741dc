"""The verdicts: every gate on what the stages before found out, and what did harm."""

from dataclasses import replace

from exporter.data.verdict import Verdict
from exporter.gates.artifact import artifact_verdicts
from exporter.gates.devices import device_verdicts
from exporter.gates.files import file_verdicts
from exporter.gates.harm import conversion_warnings, speed_warning, step_warnings
from exporter.gates.parity import parity_verdicts, parity_warnings
from exporter.gates.tasks import task_verdicts
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.work import TargetWork


def judge(model: ModelAtHand, work: TargetWork) -> TargetWork:
    """`work` with its verdicts and warnings; what was not found out is not checked, with the reason."""
    target, harm = work.target, _harm(work)
    sizes = () if work.weight is None else artifact_verdicts(work.weight)
    content = [*_parity_verdicts(model, work), *file_verdicts(target.name, work.shown, model.description.labels)]
    verdicts = (*sizes, *content, *device_verdicts(target.name, target.budgets, work.profiles))
    return replace(work, verdicts=verdicts, warnings=(*harm, *parity_warnings(work.compared.parities, content)))


def _parity_verdicts(model: ModelAtHand, work: TargetWork) -> list[Verdict]:
    compared, strict = work.compared, model.request.strict
    advice = work.format.advice(work.target)
    return [
        verdict
        for parity in compared.parities or (None,)
        for verdict in (
            *parity_verdicts(work.target, parity, compared.why_not, strict=strict, advice=advice),
            *task_verdicts(work.target, parity, compared.why_not, strict=strict),
        )
    ]


def _harm(work: TargetWork) -> list[str]:
    """What compression and conversion did that nobody asked for, in numbers."""
    facts, host, advice = work.made.facts, work.host, work.format.advice(work.target)
    return [
        *step_warnings(work.steps),
        *facts.notes,
        *conversion_warnings(advice, facts.inspection, facts.twin, facts.left_alone),
        *(speed_warning(advice, host.own, host.twin, at=host.at) if host.twin else ()),
    ]
