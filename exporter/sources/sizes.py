"""Whether a source runs on every size that its flexible inputs are said to take."""

from collections.abc import Callable, Sequence
from typing import Any

from exporter.data.errors import UsageProblem, first_line
from exporter.data.facts.source import InputSpec, at_every_size

Run = Callable[[Sequence[InputSpec]], Sequence[Any]]


def try_sizes(inputs: Sequence[InputSpec], run: Run, outputs: int, spec: str) -> None:
    """Run a source on the ends and the middle of ranges, or on every listed shape.

    Args:
        inputs: of the source; it has run on their example's shapes.
        run: gives the outputs for inputs of these shapes; it fails on those that the source cannot take.
        outputs: how many it gives on the example's shapes.
        spec: the MODEL argument, for messages.

    Raises:
        UsageProblem: it does not run on one of the sizes, or gives another number of outputs there.
    """
    for sized in at_every_size(inputs)[:-1]:
        try:
            found = len(run(sized))
        except Exception as error:
            raise UsageProblem(f"{_said(spec, inputs, sized)} {first_line(error)}\n{_remedy(inputs)}") from error
        if found != outputs:
            said = f"it gives {found} outputs there, and {outputs} on its largest shapes."
            raise UsageProblem(f"{_said(spec, inputs, sized)} {said}\n{_remedy(inputs)}")


def _said(spec: str, inputs: Sequence[InputSpec], sized: Sequence[InputSpec]) -> str:
    given = ", ".join(f"{item.name} {list(item.shape)}" for item in sized)
    held = ", ".join(f"{item.name} {item.flexible}" for item in inputs if item.flexible is not None)
    return f"model {spec} does not run on inputs {given}, which the given shapes ({held}) hold:"


def _remedy(inputs: Sequence[InputSpec]) -> str:
    ranges = any(item.flexible is not None and item.flexible.ranges for item in inputs)
    some = (
        "list the lengths that it takes, such as '{192,256,384}', or give"
        if ranges
        else "Leave that shape out, or give"
    )
    return f"{some[:1].upper()}{some[1:]} the one shape that it was made for."
