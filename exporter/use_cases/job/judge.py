"""The verdicts: every gate on what the stages before found out, and what did harm."""

from dataclasses import replace

from exporter.data.facts.parity import Parity
from exporter.data.verdict import Verdict
from exporter.gates.artifact import artifact_verdicts
from exporter.gates.devices import device_verdicts
from exporter.gates.files import file_verdicts
from exporter.gates.harm import conversion_warnings, speed_warning, step_warnings
from exporter.gates.parity import parity_verdicts, parity_warnings
from exporter.gates.readings import judge_outputs
from exporter.gates.tasks import task_verdicts
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.work import TargetWork


def judge(model: ModelAtHand, work: TargetWork) -> TargetWork:
    """`work` with its verdicts and warnings; what was not found out is not checked, with the reason."""
    target, harm = work.target, _harm(work)
    sizes = () if work.weight is None else artifact_verdicts(work.weight)
    content = [*_parity_verdicts(model, work), *file_verdicts(target.name, work.shown, model.description.labels)]
    there = _there_verdicts(model, work) if work.there else []
    verdicts = (*sizes, *content, *there, *device_verdicts(target.name, target.budgets, work.profiles))
    return replace(work, verdicts=verdicts, warnings=(*harm, *parity_warnings(work.compared.parities, content)))


def _parity_verdicts(model: ModelAtHand, work: TargetWork) -> list[Verdict]:
    parities = work.compared.parities or (None,)
    return [verdict for parity in parities for verdict in _of_parity(model, work, parity, work.compared.why_not)]


def _of_parity(model: ModelAtHand, work: TargetWork, parity: Parity | None, why_not: str) -> list[Verdict]:
    strict, advice = model.request.strict, work.format.advice(work.target)
    return [
        *parity_verdicts(work.target, parity, why_not, strict=strict, advice=advice),
        *task_verdicts(work.target, parity, why_not, strict=strict),
    ]


def _there_verdicts(model: ModelAtHand, work: TargetWork) -> list[Verdict]:
    """Of what devices computed: named after them, so that nobody takes them for this machine's."""
    found: list[Verdict] = []
    for one in work.there:
        subject, why_not = f"{work.target.name} on {one.device}", f"Not computed on {one.device}: {one.why_not}"
        judged = _of_parity(model, work, one.parity, why_not)
        found += [verdict.model_copy(update={"subject": subject}) for verdict in judged]
        found.append(judge_outputs(subject, one.check, why_not))
    return found


def _harm(work: TargetWork) -> list[str]:
    """What compression and conversion did that nobody asked for, in numbers."""
    facts, host, advice = work.made.facts, work.host, work.format.advice(work.target)
    return [
        *step_warnings(work.steps),
        *facts.notes,
        *conversion_warnings(advice, facts.inspection, facts.twin, facts.left_alone),
        *(speed_warning(advice, host.own, host.twin, at=host.at) if host.twin else ()),
    ]
