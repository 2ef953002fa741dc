"""Time of every operator, which slows inferences down: in a run of its own."""

from typing import Any

from profilers.bench import Findings, Work
from profilers.parse.litert.op_profile import parse_op_table
from profilers.parse.litert.profile_summary import parse_profile_summary


def operators(work: Work[Any]) -> Findings:
    """Implements `Stage` for benchmark_model; nothing where the plan leaves it out."""
    if not work.plan.op_profile:
        return Findings()
    return Findings(ops=parse_op_table(work.run(op_profile=True).text))


def document_operators(work: Work[Any]) -> Findings:
    """Implements `Stage` for runners that print a bench document, of which litert_bench has LiteRT's own table."""
    if not work.plan.op_profile:
        return Findings()
    document = work.run(op_profile=True)
    if document.operators is None:
        return Findings(warnings=(f"{work.bench.runner.name} does not tell the times of operators",))
    return Findings(ops=parse_profile_summary(document.operators, len(document.latencies_s)))
