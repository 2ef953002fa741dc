"""Rules of a target, held against the layers that a model has."""

from collections.abc import Iterable, Sequence

from exporter.data.errors import UsageProblem
from exporter.formats.common.rules import selects
from exporter.formats.tflite.quantization.constants import Constant, Reading
from exporter.formats.tflite.quantization.kernels import FOUR_BITS
from exporter.formats.tflite.settings import TfliteQuantization, TfliteRule


def last_rule(rules: Sequence[TfliteRule], op_type: str, layer: str) -> TfliteRule | None:
    """The rule that decides over an operator: the last one that selects it."""
    return next((rule for rule in reversed(rules) if selects(rule, op_type, layer)), None)


def check_names(quantization: TfliteQuantization, layers: Iterable[str]) -> None:
    """Check that every pattern matches a layer.

    Raises:
        UsageProblem: one matches none.
    """
    names = list(layers)
    for index, rule in enumerate(quantization.rules):
        if rule.op_name and not any(selects(rule, "", layer) for layer in names):
            raise UsageProblem(
                f"quantization.rules.{index}: op_name {rule.op_name!r} matches no layer; "
                f"layers are named like {', '.join(names[:3]) or '(none could be named)'}."
            )


def check_four_bits(quantization: TfliteQuantization, constants: Iterable[Constant]) -> None:
    """Check that a rule of 4 bits selects a layer that can have them.

    Raises:
        UsageProblem: none of those that it selects can.
    """
    weights = [reading for constant in constants for reading in constant.readings if reading.axis is not None]
    for index, rule in enumerate(quantization.rules):
        selected = [reading for reading in weights if selects(rule, reading.op_type, reading.layer)]
        if rule.nbits == 4 and selected and not any(4 in reading.hybrid for reading in selected):
            raise UsageProblem(
                f"quantization.rules.{index}: {_named(selected)} cannot have 4-bit weights: LiteRT computes with them "
                f"in {' and '.join(FOUR_BITS)} alone, and not in convolutions of several groups. Write nbits = 8."
            )


def _named(readings: Sequence[Reading]) -> str:
    first = readings[0]
    more = f" and {len(readings) - 1} more" if len(readings) > 1 else ""
    return f"{first.layer or 'the operator'} ({first.op_type}){more}"
