"""What a recipe did, as tables in the terminal."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from exporter.data.facts.compression import LayerStats, ModelStats, StepResult
from exporter.data.results.commands import CompressResult
from exporter.data.units import format_size
from exporter.report.cells import printable
from exporter.report.renderer import View
from exporter.report.text.console import laid_out, table, warning, words

LEFT_ALONE_SHOWN = 8


def render(result: CompressResult, view: View) -> str:
    """A line for each step, the layers of the last one, and what was left alone."""
    steps = result.steps
    items: list[RenderableType] = [_summary(steps), _layers(steps[0].before, steps[-1].after)]
    return laid_out([*items, *(line for step in steps for line in _said(step))], view)


def _said(step: StepResult) -> Iterator[Text]:
    yield from (warning(step.method, sentence) for sentence in step.warnings)
    for item in step.left_alone[:LEFT_ALONE_SHOWN]:
        said = printable(f" by {step.method}: {item.name}: {item.reason}")
        yield Text.assemble(("left alone", "yellow"), said)
    more = len(step.left_alone) - LEFT_ALONE_SHOWN
    if more > 0:
        yield words(f"... and {more} more by {step.method} (-f json has them all)")


def weight_bytes(stats: ModelStats) -> float:
    """Bytes of the layers' weights in the form that they will be stored in."""
    return sum(layer.parameters * layer.bits_per_weight for layer in stats.layers) / 8


def _summary(steps: Sequence[StepResult]) -> Table:
    columns = ("after", ">parameters", ">MACs", ">non-zero weights", ">weight bytes")
    states = [("(nothing)", steps[0].before), *((step.method, step.after) for step in steps)]
    return table("steps", columns, (_summary_row(name, stats) for name, stats in states))


def _summary_row(name: str, stats: ModelStats) -> list[str]:
    nonzeros = sum(layer.nonzeros for layer in stats.layers)
    return [name, f"{stats.parameters:,}", f"{stats.macs:,}", f"{nonzeros:,}", format_size(weight_bytes(stats))]


def _layers(before: ModelStats, after: ModelStats) -> Table:
    columns = ("weight", ">elements", ">was", ">non-zero", ">distinct", ">bits a weight")
    earlier = {layer.name: layer.parameters for layer in before.layers}
    return table("layers", columns, (_layer_row(layer, earlier.get(layer.name)) for layer in after.layers))


def _layer_row(layer: LayerStats, was: int | None) -> list[str]:
    figures = (layer.parameters, was, layer.nonzeros, layer.distinct)
    cells = ["-" if figure is None else f"{figure:,}" for figure in figures]
    return [layer.name, *cells, f"{layer.bits_per_weight:.2f}"]
