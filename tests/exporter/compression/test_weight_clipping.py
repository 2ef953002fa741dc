"""Weight clipping limits what sticks out, and nothing else."""

import torch
from torch import nn

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressionData
from exporter.compression.recipe import parse_recipe


def test_only_weights_beyond_the_share_of_their_layer_s_largest_are_changed() -> None:
    """Each layer has its own limit; one that a rule leaves alone has none."""
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2), nn.Linear(2, 2))
    steps = [{"method": "weight_clipping", "limit": 0.5, "rules": [{"name": "2", "apply": False}]}]
    clipped = apply_recipe(model, (torch.zeros(1, 4),), parse_recipe("test", {"steps": steps}), CompressionData())
    before, after = model.state_dict(), clipped.module.state_dict()
    for name in ("0.weight", "1.weight"):
        bound = before[name].abs().max() / 2
        assert torch.equal(
            after[name], torch.where(before[name].abs() > bound, before[name].sign() * bound, before[name])
        )
    for name in ("2.weight", "0.bias", "1.bias", "2.bias"):
        assert torch.equal(after[name], before[name])
