"""A comparison with a source as the page shows it."""

import math
from typing import Any, NamedTuple

from exporter.data.facts.layers import LayerFindings
from exporter.data.results.commands import VerifyResult
from exporter.report.html.plots.charts import PLOT_HEIGHT, PLOT_WIDTH
from exporter.report.html.tasks import tasks
from exporter.report.layers import COLUMNS, cells, snr_words, summary
from exporter.report.renderer import View

_MOST_DB = 150.0
"""The top of the plot: float32 holds no more."""


class Layer(NamedTuple):
    """One layer in the plot; `tone` is the style sheet's class for within or over."""

    title: str
    x: float
    y: float
    tone: str


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


def _plot(found: LayerFindings) -> dict[str, Any]:
    """Layers from left to right in order of execution, by their SNR; what is beyond the plot lies on its edge."""
    compared = found.layers.compared
    low, high = _range(found)
    step = PLOT_WIDTH / len(compared)
    return {
        "points": [
            Layer(
                f"{layer.title} ({layer.kind}): {snr_words(layer.snr_db)} dB",
                step * (place + 0.5),
                _height(layer.snr_db, low, high),
                "within" if layer.snr_db >= found.least_snr_db else "over",
            )
            for place, layer in enumerate(compared)
        ],
        "first": None if found.first is None else compared.index(found.first),
        "limit": _height(found.least_snr_db, low, high),
        "ticks": [(_height(value, low, high), value) for value in (low + (high - low) * part / 4 for part in range(5))],
    }


def _range(found: LayerFindings) -> tuple[float, float]:
    values = [layer.snr_db for layer in found.layers.compared if math.isfinite(layer.snr_db)]
    low = 10 * math.floor(min(0.0, found.least_snr_db, *values) / 10)
    high = 10 * math.ceil(max(found.least_snr_db, *values, low + 10) / 10)
    return float(max(low, -_MOST_DB)), float(min(high, _MOST_DB))


def _height(value: float, low: float, high: float) -> float:
    return PLOT_HEIGHT * (1 - (min(max(value, low), high) - low) / (high - low))
