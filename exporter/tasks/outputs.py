"""Finds the outputs that a task reads."""

from collections.abc import Sequence

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription


def output_named(description: SourceDescription, name: str, task: str) -> int:
    """Position of an output; the first where `name` is empty.

    Raises:
        UsageProblem: there is none of this name.
    """
    return outputs_named(description, (name,) if name else description.outputs[:1], task)[0]


def outputs_named(description: SourceDescription, names: Sequence[str], task: str) -> tuple[int, ...]:
    """Positions of outputs.

    Raises:
        UsageProblem: one is not there.
    """
    missing = [name for name in names if name not in description.outputs]
    if missing:
        raise UsageProblem(
            f"[model.task] {task}: there is no output {', '.join(missing)}; the model gives "
            f"{', '.join(description.outputs)}."
        )
    return tuple(description.outputs.index(name) for name in names)
