"""A comparison with a source in the terminal and as JSON."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from exporter.data.parity import Parity
from exporter.data.verdict import Verdict
from exporter.report.text.console import plain_console
from exporter.report.text.terminal import verdict_table

if TYPE_CHECKING:
    from exporter.data.layers import LayerComparison, Statistics

LEAST_SNR_DB = 20.0
"""Below it a layer counts as one where the artifact leaves the source."""


def render_verification(parities: Sequence[Parity], verdicts: Sequence[Verdict]) -> None:
    """Print comparisons with a source and their verdicts."""
    console = plain_console()
    for parity in parities:
        console.print(
            f"{parity.evaluator} on {parity.samples} examples of {parity.data}: "
            f"SNR {'exact' if parity.snr_db is None else f'{parity.snr_db:.2f} dB'}, cosine {parity.cosine:.6f}, "
            f"largest error {parity.max_abs_error:.4g}"
        )
    console.print(verdict_table(verdicts))


def render_layers(layers: "Sequence[LayerComparison]") -> None:
    """Print every compared layer, and the first that leaves the source with the statistics of both values."""
    console = plain_console()
    table = Table(title="Layers in order of execution", title_justify="left")
    table.add_column("module")
    table.add_column("kind")
    table.add_column("value in the artifact")
    table.add_column("SNR dB", justify="right")
    for layer in layers:
        snr = "exact" if math.isinf(layer.snr_db) else f"{layer.snr_db:.1f}"
        table.add_row(layer.module, layer.kind, layer.output, snr)
    console.print(table)
    first = next((layer for layer in layers if not layer.snr_db >= LEAST_SNR_DB), None)
    if first is None:
        console.print(f"No layer is below {LEAST_SNR_DB:g} dB.")
        return
    console.print(f"The artifact leaves the source at {first.module} ({first.kind}), {first.snr_db:.1f} dB:")
    console.print(f"  source   {_words(first.source)}\n  artifact {_words(first.artifact)}")


def layer_documents(layers: "Sequence[LayerComparison]") -> list[dict[str, Any]]:
    """The same as data; a layer without any difference has ``snr_db`` null."""
    return [{**asdict(layer), "snr_db": None if math.isinf(layer.snr_db) else layer.snr_db} for layer in layers]


def _words(statistics: "Statistics") -> str:
    shape = "x".join(map(str, statistics.shape))
    bad = f", {statistics.not_finite} not finite" if statistics.not_finite else ""
    return (
        f"{shape}: from {statistics.minimum:.4g} to {statistics.maximum:.4g}, mean {statistics.mean:.4g}, "
        f"std {statistics.std:.4g}{bad}"
    )
