"""What the accelerator of a target makes of operations of an ML program."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from exporter.data.facts.checks import Judgement, Support, worst
from exporter.formats.common.accelerators import Fact, read_rules
from exporter.formats.coreml.settings import CoremlTarget

_NEURAL_ENGINE = Path(__file__).with_name("neural_engine.toml")
_GPU = Judgement(support=Support.NOT_CHECKED, why="nobody says which operations Core ML gives to the GPU")


class Placement:
    """The rules of the accelerator that a target names; ``all`` and ``cpu_only`` name none.

    Attributes:
        accelerator: what it is called in sentences; empty for none.
    """

    def __init__(self, target: CoremlTarget) -> None:
        self._precision = target.quantization.precision
        self._rules = read_rules(_NEURAL_ENGINE) if target.compute_units == "cpu_and_ne" else None
        self._gpu = target.compute_units == "cpu_and_gpu"
        self.accelerator = self._rules.accelerator if self._rules else "GPU" if self._gpu else ""

    def judge(self, operations: Sequence[Any]) -> Judgement | None:
        """The worst that becomes of the operations of an operator; None where no accelerator is named.

        Args:
            operations: of coremltools' ML program, at least one.
        """
        if self._rules is None:
            return _GPU if self._gpu else None
        return worst(self._rules.judge(one.op_type, dict(self._facts(one))) for one in operations)

    def _facts(self, operation: Any) -> Iterator[tuple[str, Fact]]:
        """What rules may ask for; lengths that are not known are left out."""
        yield "precision", self._precision
        shapes = [tuple(value.shape or ()) for value in operation.outputs]
        yield "rank", max(map(len, shapes))
        lengths = [length for shape in shapes for length in shape]
        if all(isinstance(length, int) for length in lengths):
            yield "longest_axis", max(lengths, default=1)
        for fact, name in (("dilation", "dilations"), ("stride", "strides"), ("kernel", "kernel_sizes")):
            yield fact, _largest(operation, name)


def _largest(operation: Any, name: str) -> int:
    """The largest element of a constant operand; 1 where it is left out, which is its default."""
    given = operation.inputs.get(name)
    return 1 if given is None or given.val is None else int(max(given.val))
