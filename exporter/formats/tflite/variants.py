"""What a search may make of a TFLite target."""

import re
from collections.abc import Sequence
from functools import partial

from pydantic import ValidationError

from exporter.data.facts.storage import Storage, WeightFacts
from exporter.formats.tflite.settings import TfliteQuantization, TfliteRule, TfliteTarget, TfliteWeights
from exporter.formats.variants import Variant, exact

_FLOAT_BITS = 32
_SCALE_BYTES = 12
"""A float32 and the int64 of its zero point."""
_LEAST_ELEMENTS = 1024
"""Smaller weights stay float32, as `exporter.formats.tflite.quantization.forms` has it."""
_GRID = Storage(form="grid", bits=8, granularity="per_channel", scale_bytes=_SCALE_BYTES)
_SMALL_GRID = Storage(form="grid", bits=4, granularity="per_channel", scale_bytes=_SCALE_BYTES)


def variants(target: TfliteTarget) -> tuple[Variant, ...]:
    """Integer weights beside float activations, where runtime and accelerator take them; and int8 throughout."""
    found = []
    dynamic = _dynamic(target)
    if dynamic is not None:
        found.append(
            Variant(
                "weights",
                "integer weights, float activations",
                "float",
                partial(_with_float, dynamic),
                partial(_storages, small=dynamic.quantization.weight_bits == 4),
            )
        )
    found.append(Variant("int8", "int8 weights and activations", "int8", partial(_int8, target), exact(_GRID)))
    return tuple(found)


def _dynamic(target: TfliteTarget) -> TfliteTarget | None:
    for weights in (TfliteWeights(nbits=4), TfliteWeights(nbits=8)):
        quantization = TfliteQuantization(mode="dynamic_range", weights=weights, rules=_kept(target))
        try:
            return TfliteTarget(**{**dict(target), "quantization": quantization})
        except ValidationError:  # the runtime, or the accelerator, cannot
            continue
    return None


def _storages(weight: WeightFacts, *, small: bool) -> tuple[Storage, ...]:
    """LiteRT has 4-bit kernels of convolutions of one group and of linear layers."""
    if weight.elements < _LEAST_ELEMENTS:
        return (Storage(form="float32", bits=32),)
    four = small and (weight.type == "Linear" or (weight.type == "Conv2d" and weight.groups == 1))
    return (Storage(form="float16", bits=16), _GRID, *([_SMALL_GRID] if four else []))


def _with_float(target: TfliteTarget, layers: Sequence[str]) -> TfliteTarget:
    if not layers:
        return target
    names = "|".join(re.escape(name) for name in layers)
    rule = TfliteRule(op_name=f"^(?:{names})$", keep="float16")
    quantization = target.quantization.model_copy(update={"rules": (rule, *target.quantization.rules)})
    return target.model_copy(update={"quantization": quantization})


def _int8(target: TfliteTarget, layers: Sequence[str]) -> TfliteTarget:
    given = target.quantization
    types = {"input_type": given.input_type, "output_type": given.output_type} if given.mode == "int8" else {}
    quantization = TfliteQuantization(mode="int8", rules=_kept(target), mixed_outputs=given.mixed_outputs, **types)
    return target.model_copy(update={"quantization": quantization})


def _kept(target: TfliteTarget) -> tuple[TfliteRule, ...]:
    """Rules that keep operators in float32: they speak of arithmetic, and not of how weights are stored."""
    return tuple(rule for rule in target.quantization.rules if rule.bits == _FLOAT_BITS)
