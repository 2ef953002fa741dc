"""A comparison with a source in the terminal."""

import math
from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from exporter.data.facts.layers import LayerComparison, Statistics
from exporter.data.facts.parity import Parity
from exporter.data.results.commands import VerifyResult
from exporter.report.renderer import View
from exporter.report.text.console import laid_out, table, words
from exporter.report.text.run import verdict_table

LEAST_SNR_DB = 20.0
"""Below it a layer counts as one where the artifact leaves the source."""


def render(result: VerifyResult, view: View) -> str:
    """Comparisons, their verdicts, and the layers where they were asked for."""
    items: list[RenderableType] = [words(_parity(parity)) for parity in result.parities]
    items.append(verdict_table(result.verdicts))
    return laid_out([*items, *(_layers(result.layers) if result.layers is not None else ())], view)


def _parity(parity: Parity) -> str:
    return (
        f"{parity.evaluator} on {parity.samples} examples of {parity.data}: "
        f"SNR {'exact' if parity.snr_db is None else f'{parity.snr_db:.2f} dB'}, cosine {parity.cosine:.6f}, "
        f"largest error {parity.max_abs_error:.4g}"
    )


def _layers(layers: Sequence[LayerComparison]) -> Iterator[RenderableType]:
    """Every compared layer, and the first that leaves the source with the statistics of both values."""
    yield _table(layers)
    first = next((layer for layer in layers if not layer.snr_db >= LEAST_SNR_DB), None)
    if first is None:
        yield words(f"No layer is below {LEAST_SNR_DB:g} dB.")
        return
    yield words(f"The artifact leaves the source at {first.module} ({first.kind}), {first.snr_db:.1f} dB:")
    yield words(f"  source   {_words(first.source)}\n  artifact {_words(first.artifact)}")


def _table(layers: Sequence[LayerComparison]) -> Table:
    columns = ("module", "kind", "value in the artifact", ">SNR dB")
    rows = ([layer.module, layer.kind, layer.output, _snr(layer.snr_db)] for layer in layers)
    return table("Layers in order of execution", columns, rows)


def _snr(snr_db: float) -> str:
    return "exact" if snr_db == math.inf else f"{snr_db:.1f}"


def _words(statistics: Statistics) -> str:
    shape = "x".join(map(str, statistics.shape))
    bad = f", {statistics.not_finite} not finite" if statistics.not_finite else ""
    return (
        f"{shape}: from {statistics.minimum:.4g} to {statistics.maximum:.4g}, mean {statistics.mean:.4g}, "
        f"std {statistics.std:.4g}{bad}"
    )
