"""Time of every operator, which slows inferences down: in a run of its own."""

from typing import Any

from profilers.bench import Findings, Work
from profilers.parse.litert.op_profile import parse_op_table


def operators(work: Work[Any]) -> Findings:
    """Implements `Stage` for benchmark_model; nothing where the plan leaves it out."""
    if not work.plan.op_profile:
        return Findings()
    return Findings(ops=parse_op_table(work.run(op_profile=True).text))
