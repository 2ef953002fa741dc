"""How each constant of a model with float activations is to be stored: by mode, rules, and what a recipe trained."""

from dataclasses import dataclass

import numpy as np

from exporter.data.facts.hints import CompressionHints
from exporter.formats.tflite.quantization.constants import Constant, Reading
from exporter.formats.tflite.quantization.rules import last_rule
from exporter.formats.tflite.settings import TfliteQuantization

LEAST_ELEMENTS = 1024
"""Weights of fewer elements stay float32, as in TensorFlow's converter (``minimum_elements_for_weights``)."""


@dataclass(frozen=True)
class Form:
    """How a constant is stored.

    Attributes:
        bits: 32 and 16 are floating point, 8 and 4 integers.
        grid: bits of the grid that a recipe put the values on, where it did.
        axis: of the channels that have a scale each.
    """

    bits: int
    grid: int | None = None
    axis: int | None = None


FLOAT32, FLOAT16 = Form(32), Form(16)


class Forms:
    """Decides for one model.

    Args:
        quantization: of a mode with float activations.
        hints: of the recipe that compressed the model.
    """

    def __init__(self, quantization: TfliteQuantization, hints: CompressionHints) -> None:
        self.quantization = quantization
        self.trained = {form.name.removesuffix(".weight"): form for form in hints.weights}

    def of(self, constant: Constant) -> Form:
        """The widest form that any reading of a constant asks for."""
        return max((self._wanted(constant, reading) for reading in constant.readings), key=lambda form: form.bits)

    def asked(self, constant: Constant) -> int:
        """The fewest bits that rules and mode ask for, of a constant that is a weight; 32 of others."""
        return min((self._bits(reading)[0] for reading in constant.readings if reading.axis is not None), default=32)

    def in_blocks(self, constant: Constant) -> bool:
        """Whether a recipe put it on a grid with several scales a channel."""
        forms = [self.trained[reading.layer] for reading in constant.readings if reading.layer in self.trained]
        return any(form.form == "linear" and form.block_size for form in forms)

    def _bits(self, reading: Reading) -> tuple[int, bool]:
        """What is asked for, and whether a rule says so."""
        rule = last_rule(self.quantization.rules, reading.op_type, reading.layer)
        return (self.quantization.weight_bits, False) if rule is None else (rule.bits, True)

    def _wanted(self, constant: Constant, reading: Reading) -> Form:
        bits, by_rule = self._bits(reading)
        if bits == 16:
            return FLOAT16 if _fits_float16(constant) else FLOAT32
        if bits == 32 or reading.axis is None:
            return FLOAT32
        return self._integer(constant, reading, bits, always=by_rule)

    def _integer(self, constant: Constant, reading: Reading, bits: int, *, always: bool) -> Form:
        trained = self.trained.get(reading.layer)
        if trained is not None and trained.form == "float16":
            return FLOAT16
        grid = trained.bits if trained is not None and trained.form == "linear" and not trained.block_size else None
        if grid is None and not always and constant.values.size < LEAST_ELEMENTS:
            return FLOAT32
        least = 4 if 4 in reading.hybrid else 8
        return Form(max(bits, grid or 0, least), grid, reading.axis)


def _fits_float16(constant: Constant) -> bool:
    """Whether no value becomes infinite that is finite."""
    values = constant.values[np.isfinite(constant.values)]
    return bool((np.abs(values) <= np.finfo(np.float16).max).all())
