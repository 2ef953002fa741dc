"""An inspection as tables in the terminal."""

from rich.table import Table
from rich.text import Text

from exporter.data.inspection import Inspection, WeightFact
from exporter.data.units import format_size
from exporter.report.text.console import plain_console


def render(inspection: Inspection, layers: int) -> None:
    """Print the facts of an artifact; of its layers the `layers` largest."""
    console = plain_console(width=140)
    facts = f"  {inspection.format}  {format_size(inspection.size_bytes)}"
    console.print(Text.assemble((inspection.path, "bold"), facts))
    for word, tensors in (("input", inspection.inputs), ("output", inspection.outputs)):
        for tensor in tensors:
            console.print(f"  {word} {tensor.name}: {tensor.dtype} {list(tensor.shape)}")
    for key, value in inspection.metadata.items():
        console.print(f"  {key}: {value}")
    console.print(_totals(inspection))
    console.print(_operators(inspection))
    console.print(_largest(inspection, layers))


def _totals(inspection: Inspection) -> str:
    bits, sparsity = inspection.bits_per_weight(), inspection.sparsity()
    stored = ", ".join(f"{dtype} {format_size(size)}" for dtype, size in inspection.bytes_by_dtype().items())
    plain = inspection.uncompressed_weights()
    lines = [
        f"  constants: {stored or 'none'}",
        f"  effective bits a weight: {'-' if bits is None else f'{bits:.2f}'}"
        f"   zeros: {'-' if sparsity is None else f'{sparsity:.1%}'}",
        f"  weights not compressed: {len(plain)}, {format_size(sum(weight.size_bytes for weight in plain))}",
        f"  operators that compute in float: {len(inspection.float_ops())}, "
        f"in integers: {len(inspection.integer_ops())}",
    ]
    return "\n".join(lines)


def _operators(inspection: Inspection) -> Table:
    table = Table(title="Operators", title_justify="left")
    table.add_column("type")
    table.add_column("count", justify="right")
    for kind, count in inspection.ops_by_type().items():
        table.add_row(kind, str(count))
    return table


def _largest(inspection: Inspection, layers: int) -> Table:
    table = Table(title=f"The {layers} largest constants", title_justify="left")
    for column in ("name", "type", "shape", "form"):
        table.add_column(column)
    for column in ("bytes", "bits", "zeros", "distinct"):
        table.add_column(column, justify="right")
    for weight in sorted(inspection.weights, key=lambda item: -item.size_bytes)[:layers]:
        table.add_row(*_row(weight))
    return table


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
