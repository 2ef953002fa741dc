"""What a search may make of a Core ML target."""

from collections.abc import Iterator, Sequence
from functools import partial

from exporter.data.facts.storage import Storage, WeightFacts
from exporter.formats.coreml.settings import Activations, CoremlQuantization, CoremlRule, CoremlTarget
from exporter.formats.variants import Variant, names_pattern

_TABLES_FROM, _GROUPS_FROM, _INTEGERS_FROM = 16, 18, 17
"""iOS generations with tables and 8-bit grids; with 3 bits, 4-bit grids, blocks and groups; with int8 activations.

Source: coremltools documentation, "What's New in Optimization"."""

_LEAST_ELEMENTS = 256
"""Of a smaller weight what describes it in the program outweighs what is saved."""


def variants(target: CoremlTarget) -> tuple[Variant, ...]:
    """Compressed weights beside float activations; and int8 weights and activations where the system computes them."""
    found = []
    if target.generation >= _TABLES_FROM:
        found.append(
            Variant(
                "weights",
                "compressed weights, float activations",
                "float",
                partial(_with_float, target),
                partial(_storages, target),
            )
        )
    if target.generation >= _INTEGERS_FROM:
        integers, storages = partial(_w8a8, target), partial(_integers, target)
        found.append(Variant("int8", "int8 weights and activations", "int8", integers, storages))
    return tuple(found)


def _floating(target: CoremlTarget) -> Storage:
    if target.quantization.precision == "float32":
        return Storage(form="float32", bits=32)
    return Storage(form="float16", bits=16)


def _integers(target: CoremlTarget, weight: WeightFacts) -> tuple[Storage, ...]:
    grid = Storage(form="grid", bits=8, granularity="per_channel", activations="int8")
    return (_floating(target), grid)


def _storages(target: CoremlTarget, weight: WeightFacts) -> tuple[Storage, ...]:
    floating = _floating(target)
    if weight.elements < _LEAST_ELEMENTS:
        return (floating,)
    kinds = [*_grids(target), *_tables(target)]
    return (floating, *(one for one in kinds if one.fits(weight)))


def _grids(target: CoremlTarget) -> Iterator[Storage]:
    yield Storage(form="grid", bits=8, granularity="per_channel")
    if target.generation >= _GROUPS_FROM:
        yield Storage(form="grid", bits=4, granularity="per_channel")
        yield Storage(form="grid", bits=4, granularity="per_block", block_size=32)


def _tables(target: CoremlTarget) -> Iterator[Storage]:
    grouped = target.generation >= _GROUPS_FROM
    for bits in (6, 4, 3, 2) if grouped else (6, 4, 2):
        yield Storage(form="table", bits=bits, granularity="per_tensor")
    for bits in (6, 4, 3) if grouped else ():
        yield Storage(form="table", bits=bits, granularity="per_grouped_channel", group_size=16)


def _with_float(target: CoremlTarget, layers: Sequence[str]) -> CoremlTarget:
    """What a recipe gave no form stays in the program's own precision."""
    quantization = CoremlQuantization(precision=target.quantization.precision, rules=_kept(target))
    return target.model_copy(update={"quantization": quantization})


def _kept(target: CoremlTarget) -> tuple[CoremlRule, ...]:
    """What rules say of arithmetic, without what they say of weights, which is to be found."""
    said = {"op_type", "op_name", "precision", "activations"}
    rules = [rule.model_dump(include=said) for rule in target.quantization.rules]
    return tuple(CoremlRule(**rule) for rule in rules if rule["precision"] or rule["activations"])


def _w8a8(target: CoremlTarget, layers: Sequence[str]) -> CoremlTarget:
    given = target.quantization
    activations = (given.activations or Activations()).model_copy(update={"scheme": "affine"})
    kept = (CoremlRule(op_name=names_pattern(layers), activations="none"),) if layers else ()
    rules = (*kept, *_kept(target))
    quantization = CoremlQuantization(precision=given.precision, activations=activations, rules=rules)
    return target.model_copy(update={"quantization": quantization})
