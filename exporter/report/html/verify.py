"""A comparison with a source as the page shows it."""

import math
from typing import Any

from exporter.data.facts.layers import LayerComparison, LayerFindings
from exporter.data.results.commands import VerifyResult
from exporter.report.html.plots.axes import Axis, value_axis
from exporter.report.html.plots.field import Field, Key, Line, Spot
from exporter.report.html.tasks import tasks
from exporter.report.layers import COLUMNS, cells, snr_words, summary
from exporter.report.renderer import View

_MOST_DB = 150.0
"""The top of the plot: float32 holds no more."""
_FEW_TICKS = 6


def facts(result: VerifyResult, view: View) -> dict[str, Any]:
    """What the template of a verification needs."""
    return {
        "parities": result.parities,
        "tasks": tasks([(result.artifact.name, parity) for parity in result.parities], result.pictures),
        "layers": None if result.layers is None else _layers(result.layers),
    }


def _layers(found: LayerFindings) -> dict[str, Any]:
    return {
        "sentences": list(summary(found)),
        "columns": [(name.removeprefix(">"), name.startswith(">")) for name in COLUMNS],
        "rows": [cells(layer) for layer in found.layers.compared],
        "plot": _plot(found) if found.layers.compared else None,
    }


def _plot(found: LayerFindings) -> Field:
    """Layers from left to right in order of execution, by their SNR; what is beyond the plot lies on its edge."""
    compared = found.layers.compared
    y = _height(found)
    limit = Line(100 - y.place(found.least_snr_db), f"limit {found.least_snr_db:g} dB")
    return Field(
        title="SNR of each layer",
        x_title="layers, in order of execution",
        y_title="SNR in dB, of each layer's output",
        x=_order(len(compared)),
        y=y,
        spots=[_spot(place, layer, found, y) for place, layer in enumerate(compared)],
        level=[limit],
        trace=True,
        keys=[Key("within the limit", "circle", "within"), Key("below it", "square", "over")],
        remarks=[] if found.first is None else [f"The large mark is the first below it: {found.first.title}."],
    )


def _spot(place: int, layer: LayerComparison, found: LayerFindings, y: Axis) -> Spot:
    within = layer.snr_db >= found.least_snr_db
    figures = f"SNR {snr_words(layer.snr_db)} dB, largest error {layer.max_abs_error:.3g}, cosine {layer.cosine:.5f}"
    label = f"{place + 1}: {layer.title} ({layer.kind}) by {layer.operation}: {figures}"
    left = _order(len(found.layers.compared)).place(place + 1)
    look, tone = ("circle", "within") if within else ("square", "over")
    return Spot("", label, look, tone, left, 100 - y.place(layer.snr_db), "first" if layer is found.first else "")


def _order(count: int) -> Axis:
    step = math.ceil(count / _FEW_TICKS)
    return Axis(0.5, count + 0.5, tuple((number, str(number)) for number in range(1, count + 1, step)))


def _height(found: LayerFindings) -> Axis:
    finite = [layer.snr_db for layer in found.layers.compared if math.isfinite(layer.snr_db)]
    bounded = [min(max(value, -_MOST_DB), _MOST_DB) for value in (0.0, found.least_snr_db, *finite)]
    return value_axis(bounded, [])
