"""Quantizer: every variant of one float32 flatbuffer."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from exporter.data.facts.hints import CompressionHints
from exporter.execution.memory import give_back
from exporter.formats.common.rules import selects
from exporter.formats.tflite.conversion.file import pack, parse
from exporter.formats.tflite.quantization.calibration import Example, calibrated, to_int8, to_int16x8
from exporter.formats.tflite.quantization.constants import Constant, float_constants
from exporter.formats.tflite.quantization.forms import Form, Forms
from exporter.formats.tflite.quantization.int16 import with_integer_operators, without_integer_operators
from exporter.formats.tflite.quantization.islands import with_floats
from exporter.formats.tflite.quantization.joins import Kept, behind_mixed_joins
from exporter.formats.tflite.quantization.masks import with_finite_masks
from exporter.formats.tflite.quantization.pads import with_finite_pads, with_int16_pads
from exporter.formats.tflite.quantization.ranges import with_ranges
from exporter.formats.tflite.quantization.rules import check_four_bits, check_names, last_rule
from exporter.formats.tflite.quantization.storage import Writer
from exporter.formats.tflite.settings import TfliteQuantization

_FAILING_IN_INT8 = ("DIV",)
"""LiteRT's kernel takes a divisor's byte of 0 for the number 0 (tflite/kernels/div.cc, CheckNonZero)."""


@dataclass(frozen=True)
class Variant:
    """A quantized file.

    Attributes:
        content: the flatbuffer.
        notes: sentences about what was asked for and could not be done.
    """

    content: bytes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quantizer:
    """Makes every variant of a model; calibration runs once for all of them.

    Attributes:
        content: the float32 flatbuffer.
        layers: name of a tensor that an operator with a weight writes -> the PyTorch layer's name.
        hints: of the recipe that compressed the model.
        examples: gives the representative dataset: values of the file's inputs in their order and layout, with the
            batch dimension.
        channels_last: positions of the inputs whose channels lie last in the file and first in the source.
    """

    content: bytes
    layers: Mapping[str, str] = field(default_factory=dict)
    hints: CompressionHints = field(default_factory=CompressionHints)
    examples: Callable[[], Sequence[Example]] = tuple
    channels_last: Collection[int] = ()

    def variant(self, quantization: TfliteQuantization) -> Variant:
        """The file as `quantization` asks for it; names of tensors stay.

        Raises:
            UsageProblem: a rule selects nothing or asks for what its layers cannot have, or data is missing.
            ToolError: TensorFlow refused the model, or a recipe's weights or ranges are not found in it.
        """
        check_names(quantization, self.layers.values())
        make = {"int8": self._int8, "int16x8": self._int16x8}.get(quantization.mode, self._stored)
        return make(quantization)

    @cached_property
    def _calibrated(self) -> bytes:
        made = calibrated(self.content, self.examples())
        give_back()
        return made

    def _int8(self, quantization: TfliteQuantization) -> Variant:
        content, rules = self._calibrated, quantization.rules
        if self.hints.activations:
            content = with_ranges(content, self.hints, self.channels_last)
        content = with_finite_pads(with_finite_masks(content))
        kept = [name for name, layer in self.layers.items() if any(selects(rule, "", layer) for rule in rules)]
        joined = behind_mixed_joins(content) if quantization.mixed_outputs == "float32" else Kept()
        kept_types = [*_FAILING_IN_INT8, *(rule.op_type for rule in rules if rule.op_type)]
        notes = (joined.note,) if joined.note else ()
        return Variant(to_int8(content, quantization, [*kept, *joined.tensors], kept_types), notes)

    def _int16x8(self, quantization: TfliteQuantization) -> Variant:
        def keeps(op_type: str, name: str) -> bool:
            return last_rule(quantization.rules, op_type, self.layers.get(name, "")) is not None

        content = with_finite_pads(with_finite_masks(self._calibrated))
        made = to_int16x8(without_integer_operators(content), quantization)
        made = with_int16_pads(with_integer_operators(made, content))
        return Variant(with_floats(made, self.content, keeps) if quantization.rules else made)

    def _stored(self, quantization: TfliteQuantization) -> Variant:
        model = parse(self.content)
        constants = list(float_constants(model, self.layers))
        check_four_bits(quantization, constants)
        forms, writer = Forms(quantization, self.hints), Writer(model)
        stored = [(constant, forms.of(constant)) for constant in constants]
        for constant, form in stored:
            if form.bits < 32:
                writer.store(constant, form)
        writer.finish()
        return Variant(pack(model), tuple(_notes(stored, forms)))


def _notes(stored: Sequence[tuple[Constant, Form]], forms: Forms) -> Iterator[str]:
    """What was asked for and could not be had."""
    wider = [one.readings[0] for one, form in stored if form.bits == 8 and form.grid != 8 and forms.asked(one) == 4]
    if wider:
        kinds = ", ".join(sorted({reading.op_type for reading in wider}))
        yield f"{len(wider)} weights of {kinds} have 8 bits instead of 4: LiteRT has no 4-bit kernels for them"
    blocks = [one for one, form in stored if form.bits <= 8 and forms.in_blocks(one)]
    if blocks:
        yield (
            f"{len(blocks)} weights were put on grids of blocks by the recipe, which TFLite cannot hold: they are "
            "rounded to one scale a channel"
        )
