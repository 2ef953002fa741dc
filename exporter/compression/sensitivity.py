"""Sensitivity analysis: how much a model's outputs suffer when one layer alone is pruned, at several sparsities."""

import csv
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from exporter.compression.layers import Layer, select, weight_of
from exporter.compression.model import Context, Examples, first_tensor
from exporter.compression.pruning.masks import lowest_to_zero
from exporter.data.errors import UsageProblem
from exporter.execution.heavy import load
from profilers.decibels import snr_db

SPARSITIES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


class Sensitivity(NamedTuple):
    """One layer pruned to one sparsity.

    Attributes:
        snr_db: signal-to-noise ratio of the outputs against the unpruned model's.
        agreement: share of examples whose highest output stays the same.
    """

    layer: str
    sparsity: float
    snr_db: float
    agreement: float


def analyse(
    module: nn.Module, context: Context, names: Sequence[str] = (), sparsities: Sequence[float] = SPARSITIES
) -> list[Sensitivity]:
    """Prune one layer at a time by magnitude and compare the outputs on the calibration data.

    Raises:
        UsageProblem: there is no calibration data.
    """
    batches = context.data.calibration
    if not batches:
        raise UsageProblem("the sensitivity analysis needs calibration data: give --data.")
    wanted = _outputs(module, batches)
    layers = [layer for layer in select(module, ())[0] if not names or layer.name in names]
    rows: list[Sensitivity] = []
    for done, layer in enumerate(layers, 1):
        rows += _layer_rows(module, layer, batches, wanted, sparsities)
        context.advance(done, len(layers))
    return rows


def sparsities_for_snr(module: nn.Module, names: Sequence[str], snr_db: float, context: Context) -> dict[str, float]:
    """For each layer the highest examined sparsity that keeps the SNR; layers that bear none get 0."""
    chosen = dict.fromkeys(names, 0.0)
    for row in analyse(module, context, names):
        if row.snr_db >= snr_db:
            chosen[row.layer] = max(chosen[row.layer], row.sparsity)
    return chosen


def as_csv(rows: Sequence[Sensitivity]) -> str:
    """The table with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Sensitivity._fields)
    writer.writerows((row.layer, row.sparsity, f"{row.snr_db:.3f}", f"{row.agreement:.4f}") for row in rows)
    return text.getvalue()


def as_svg(rows: Sequence[Sensitivity]) -> str:
    """A plot of SNR against sparsity, one line a layer."""
    figure: Any = load("matplotlib.figure").Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    for name in dict.fromkeys(row.layer for row in rows):
        own = [row for row in rows if row.layer == name]
        axes.plot([row.sparsity for row in own], [row.snr_db for row in own], marker=".", label=name)
    axes.set(xlabel="sparsity of this layer alone", ylabel="SNR of the outputs (dB)")
    axes.legend(fontsize=5, ncols=3)
    axes.grid(visible=True)
    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()


def _layer_rows(
    module: nn.Module, layer: Layer, batches: Sequence[Examples], wanted: Tensor, sparsities: Sequence[float]
) -> list[Sensitivity]:
    weight = weight_of(layer.module)
    kept = weight.detach().clone()
    rows = []
    with torch.no_grad():
        for sparsity in sparsities:
            weight.copy_(kept * lowest_to_zero(kept.abs(), sparsity))
            rows.append(Sensitivity(layer.name, sparsity, *_compare(wanted, _outputs(module, batches))))
        weight.copy_(kept)
    return rows


def _outputs(module: nn.Module, batches: Sequence[Examples]) -> Tensor:
    with torch.no_grad():
        return torch.cat([first_tensor(module(*inputs)) for inputs in batches])


def _compare(wanted: Tensor, got: Tensor) -> tuple[float, float]:
    agreement = float((wanted.argmax(1) == got.argmax(1)).float().mean())
    return snr_db(wanted.double().numpy(), got.double().numpy()), agreement
