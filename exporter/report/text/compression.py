"""What a recipe did, as tables in the terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from exporter.data.compression import ModelStats, StepResult
from exporter.data.units import format_size
from exporter.report.text.console import plain_console

SHOWN = 8


def render_steps(steps: Sequence[StepResult]) -> None:
    """Print a line for each step, the layers of the last one, and what was left alone, to standard output."""
    console = plain_console()
    console.print(_summary(steps))
    console.print(_layers(steps[0].before, steps[-1].after))
    for step in steps:
        for warning in step.warnings:
            console.print(Text.assemble(("warning", "yellow"), f" of {step.method}: {warning}"))
        for item in step.left_alone[:SHOWN]:
            said = f" by {step.method}: {item.name}: {item.reason}"
            console.print(Text.assemble(("left alone", "yellow"), said))
        if len(step.left_alone) > SHOWN:
            console.print(f"... and {len(step.left_alone) - SHOWN} more by {step.method} (-f json has them all)")


def weight_bytes(stats: ModelStats) -> float:
    """Bytes of the layers' weights in the form that they will be stored in."""
    return sum(layer.parameters * layer.bits_per_weight for layer in stats.layers) / 8


def _summary(steps: Sequence[StepResult]) -> Table:
    table = Table(title="steps", title_justify="left")
    table.add_column("after")
    for column in ("parameters", "MACs", "non-zero weights", "weight bytes"):
        table.add_column(column, justify="right")
    for name, stats in [("(nothing)", steps[0].before), *((step.method, step.after) for step in steps)]:
        nonzeros = sum(layer.nonzeros for layer in stats.layers)
        table.add_row(
            name, f"{stats.parameters:,}", f"{stats.macs:,}", f"{nonzeros:,}", format_size(weight_bytes(stats))
        )
    return table


def _layers(before: ModelStats, after: ModelStats) -> Table:
    table = Table(title="layers", title_justify="left")
    table.add_column("weight")
    for column in ("elements", "was", "non-zero", "distinct", "bits a weight"):
        table.add_column(column, justify="right")
    earlier = {layer.name: layer.parameters for layer in before.layers}
    for layer in after.layers:
        was = earlier.get(layer.name)
        table.add_row(
            layer.name, f"{layer.parameters:,}", "-" if was is None else f"{was:,}", f"{layer.nonzeros:,}",
            f"{layer.distinct:,}", f"{layer.bits_per_weight:.2f}",
        )  # fmt: skip
    return table
