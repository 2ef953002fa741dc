"""The sensitivity analysis measures one layer at a time and puts each back."""

import copy

import torch
from torch import nn

from exporter.compression.model import CompressionData, Context
from exporter.compression.sensitivity import SPARSITIES, analyse, as_csv


def test_each_layer_is_pruned_alone_and_put_back(
    trained: nn.Module, example: tuple[torch.Tensor], data: CompressionData
) -> None:
    """Protects the table that a user chooses sparsities by."""
    before, seen = copy.deepcopy(trained.state_dict()), list[tuple[int, int]]()
    context = Context(trained, example, data, advance=lambda done, total: seen.append((done, total)))
    rows = analyse(trained, context, ["stem", "linear"])
    assert [(row.layer, row.sparsity) for row in rows] == [(name, x) for name in ("stem", "linear") for x in SPARSITIES]
    assert rows[0].snr_db > rows[len(SPARSITIES) - 1].snr_db
    assert all(0 <= row.agreement <= 1 for row in rows)
    assert seen == [(1, 2), (2, 2)]
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert as_csv(rows).startswith("layer,sparsity,snr_db,agreement\nstem,0.3,")
