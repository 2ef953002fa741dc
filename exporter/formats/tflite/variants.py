"""What a search may make of a TFLite target."""

import contextlib
from collections.abc import Sequence
from functools import partial

from pydantic import ValidationError

from exporter.data.facts.storage import Storage, WeightFacts
from exporter.formats.tflite.settings import TfliteQuantization, TfliteRule, TfliteTarget, TfliteWeights
from exporter.formats.variants import Variant, names_pattern

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
    found.append(Variant("int8", "int8 weights and activations", "int8", partial(_int8, target), _integers))
    wide = _first(target, TfliteQuantization(mode="int16x8", rules=_kept(target)))
    if wide is not None:
        found.append(Variant("int16x8", "int8 weights, int16 activations", "int16", lambda layers: wide, None))
    return tuple(found)


def _dynamic(target: TfliteTarget) -> TfliteTarget | None:
    weights = (TfliteWeights(nbits=4), TfliteWeights(nbits=8))
    modes = [TfliteQuantization(mode="dynamic_range", weights=one, rules=_kept(target)) for one in weights]
    return _first(target, *modes)


def _first(target: TfliteTarget, *quantizations: TfliteQuantization) -> TfliteTarget | None:
    """The target with the first that its runtime and its accelerator can have."""
    for quantization in quantizations:
        with contextlib.suppress(ValidationError):
            return TfliteTarget(**{**dict(target), "quantization": quantization})
    return None


def _storages(weight: WeightFacts, *, small: bool) -> tuple[Storage, ...]:
    """LiteRT has 4-bit kernels of convolutions of one group and of linear layers."""
    if weight.elements < _LEAST_ELEMENTS:
        return (Storage(form="float32", bits=32),)
    four = small and (weight.type == "Linear" or (weight.type == "Conv2d" and weight.groups == 1))
    return (Storage(form="float16", bits=16), _GRID, *([_SMALL_GRID] if four else []))


def _integers(weight: WeightFacts) -> tuple[Storage, ...]:
    grid = _GRID.model_copy(update={"activations": "int8"})
    return (Storage(form="float32", bits=32), grid)


def _with_float(target: TfliteTarget, layers: Sequence[str]) -> TfliteTarget:
    if not layers:
        return target
    rule = TfliteRule(op_name=names_pattern(layers), keep="float16")
    quantization = target.quantization.model_copy(update={"rules": (rule, *target.quantization.rules)})
    return target.model_copy(update={"quantization": quantization})


def _int8(target: TfliteTarget, layers: Sequence[str]) -> TfliteTarget:
    given = target.quantization
    types = {"input_type": given.input_type, "output_type": given.output_type} if given.mode == "int8" else {}
    kept = (TfliteRule(op_name=names_pattern(layers), keep="float32"),) if layers else ()
    rules = (*kept, *_kept(target))
    quantization = TfliteQuantization(mode="int8", rules=rules, mixed_outputs=given.mixed_outputs, **types)
    return target.model_copy(update={"quantization": quantization})


def _kept(target: TfliteTarget) -> tuple[TfliteRule, ...]:
    """Rules that keep operators in float32: they speak of arithmetic, and not of how weights are stored."""
    return tuple(rule for rule in target.quantization.rules if rule.bits == _FLOAT_BITS)
