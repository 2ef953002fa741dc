"""An inspection as tables in the terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from exporter.data.facts.inspection import Inspection, TensorFact, WeightFact
from exporter.data.results.commands import InspectResult
from exporter.data.units import format_size
from exporter.report.cells import printable
from exporter.report.renderer import View
from exporter.report.text.console import laid_out, table, words


def render(result: InspectResult, view: View) -> str:
    """The facts of an artifact; of its constants the largest."""
    return laid_out(_items(result.inspection, view.rows), view)


def _items(inspection: Inspection, rows: int) -> Iterator[RenderableType]:
    facts = printable(f"  {inspection.format}  {format_size(inspection.size_bytes)}")
    yield Text.assemble((printable(inspection.path), "bold"), facts)
    for word, tensors in (("input", inspection.inputs), ("output", inspection.outputs)):
        yield from (words(f"  {word} {each.name}: {each.dtype} {_shape(each)}{_picture(each)}") for each in tensors)
    yield from (words(f"  {key}: {value}") for key, value in inspection.metadata.items())
    yield words("\n".join(_totals(inspection)))
    yield _operators(inspection)
    yield _largest(inspection, rows)


def _shape(tensor: TensorFact) -> str:
    if tensor.flexible is not None:
        return str(tensor.flexible)
    return "[" + ", ".join("any" if size < 0 else str(size) for size in tensor.shape) + "]"


def _picture(tensor: TensorFact) -> str:
    return "" if tensor.picture is None else f", {tensor.picture}"


def _totals(inspection: Inspection) -> Iterator[str]:
    bits, sparsity = inspection.bits_per_weight(), inspection.sparsity()
    stored = ", ".join(f"{dtype} {format_size(size)}" for dtype, size in inspection.bytes_by_dtype().items())
    plain = inspection.uncompressed_weights()
    floats, integers = len(inspection.float_ops()), len(inspection.integer_ops())
    yield f"  constants: {stored or 'none'}"
    yield (
        f"  effective bits a weight: {'-' if bits is None else f'{bits:.2f}'}"
        f"   zeros: {'-' if sparsity is None else f'{sparsity:.1%}'}"
    )
    yield f"  weights not compressed: {len(plain)}, {format_size(sum(weight.size_bytes for weight in plain))}"
    yield f"  operators that compute in float: {floats}, in integers: {integers}"


def _operators(inspection: Inspection) -> Table:
    rows = ([kind, str(count)] for kind, count in inspection.ops_by_type().items())
    return table("Operators", ("type", ">count"), rows)


def _largest(inspection: Inspection, rows: int) -> Table:
    largest = sorted(inspection.weights, key=lambda item: -item.size_bytes)[:rows]
    columns = ("name", "type", "shape", "form", ">bytes", ">bits", ">zeros", ">distinct")
    return table(f"The {rows} largest constants", columns, map(_row, largest))


def _row(weight: WeightFact) -> list[str]:
    zeros = "-" if weight.nonzeros is None else f"{1 - weight.nonzeros / max(1, weight.parameters):.1%}"
    return [
        weight.name,
        weight.dtype,
        "x".join(map(str, weight.shape)),
        weight.quantization,
        format_size(weight.size_bytes),
        f"{weight.bits_per_weight:.2f}",
        zeros,
        "-" if weight.distinct is None else str(weight.distinct),
    ]
