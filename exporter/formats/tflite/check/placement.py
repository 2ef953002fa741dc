"""What the accelerator of a target makes of operators of TFLite."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.data.facts.checks import Judgement, Support, worst
from exporter.formats.common.accelerators import Fact, read_rules
from exporter.formats.tflite.check.lowering import LoweredOperator
from exporter.formats.tflite.settings import TfliteTarget

_GPU_DELEGATE = Path(__file__).with_name("gpu_delegate.toml")
_NPU = Judgement(support=Support.NOT_CHECKED, why="each maker's NPU takes other operators; measure it on a device")
_UNKNOWN = Judgement(
    support=Support.NOT_CHECKED, why="the operators that TensorFlow's converter writes are not known before it has"
)


class Placement:
    """The rules of the accelerator that a target names beside the CPU.

    Attributes:
        accelerator: what it is called in sentences; empty for none.
    """

    def __init__(self, target: TfliteTarget) -> None:
        self._rules = read_rules(_GPU_DELEGATE) if target.compute_units == "gpu" else None
        self._npu = target.compute_units == "npu"
        self.accelerator = self._rules.accelerator if self._rules else "NPU" if self._npu else ""

    def judge(self, operators: Sequence[LoweredOperator]) -> Judgement | None:
        """The worst that becomes of what an operator is translated to; None where no accelerator is named."""
        if self._rules is None:
            return _NPU if self._npu else None
        return worst(self._rules.judge(one.kind, dict(_facts(one))) for one in operators) if operators else None

    @property
    def unknown(self) -> Judgement | None:
        """What is said of operators of which nobody knows what they become; None where no accelerator is named."""
        return _UNKNOWN if self.accelerator else None


def _facts(operator: LoweredOperator) -> Iterator[tuple[str, Fact]]:
    """What rules may ask for."""
    given, written = operator.inputs, operator.outputs
    computed = [one for one in given if not one.constant]
    yield "rank", max((len(one.shape) for one in [*given, *written]), default=0)
    yield "outputs", len(written)
    yield "runtime_inputs", len(computed)
    yield "constant_inputs", len(given) - len(computed)
    yield "input_types", ",".join(sorted({one.dtype for one in computed}))
    yield "result_types", ",".join(sorted({one.dtype for one in written}))
    if given:
        yield "input_rank", len(given[0].shape)
    if len(given) > 1:
        yield "second_constant", given[1].constant
        yield "second_rank", len(given[1].shape)
        yield "second_type", given[1].dtype
        yield "ranks", ranks(given[0].shape, given[1].shape)
    yield from ((f"option.{name}", value) for name, value in operator.options.items() if isinstance(value, Fact))


def ranks(one: Sequence[int], other: Sequence[int]) -> str:
    """How the delegate broadcasts two operands (``CheckAddMulBroadcastCompatibility`` of LiteRT)."""
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    if len(longer) == len(shorter) or len(shorter) < 2:
        return "alike"
    if len(longer) == 4 and longer[0] == 1 and (len(shorter) == 3 or tuple(shorter) == (1, 1)):
        return "broadcast"
    channels = len(longer) == 4 and len(shorter) == 2 and (longer[0], longer[3]) == tuple(shorter)
    return "broadcast" if channels else "other"
