"""The user's module is in eval mode, and stays so whatever is done with it."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from exporter.formats.common.tracing.graph import SourceGraph
from tests.exporter.formats.common.by_hand import source_of


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.drop(x), x + 1


@pytest.mark.parametrize("make", [Two, lambda: nn.TransformerEncoderLayer(6, 2, 8)], ids=["two outputs", "defaults"])
@pytest.mark.parametrize("form", ["trace", "dynamo", "core"])
def test_an_export_leaves_every_module_in_eval_mode(make: Callable[[], nn.Module], form: str) -> None:
    """Protects the comparison with the source: with dropout on, the source itself is wrong."""
    source = source_of(make(), {"x": (1, 5, 6)})
    SourceGraph(source, None, 1).onnx_forms[form]()  # type: ignore[index]
    assert not any(module.training for module in source.module.modules())
