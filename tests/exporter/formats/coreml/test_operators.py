"""Operators that coremltools lacks or gets wrong compute what PyTorch's do, in TorchScript and in exported programs.

Nothing is rewritten before: each translation is tried by itself, as a TorchScript file would meet it.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.conversion.check import Check
from exporter.formats.coreml.conversion.graphs import graphs
from exporter.formats.coreml.conversion.program import convert_float
from exporter.formats.coreml.settings import CoremlTarget
from tests.exporter.formats.common.by_hand import Shapes, source_of

ROW, IMAGE, STEPS, VOLUME = {"x": (3, 8)}, {"x": (2, 4, 6, 5)}, {"x": (2, 6, 8)}, {"x": (1, 3, 5, 6, 4)}
IDS = {"ids": (3, 4)}
TARGET = CoremlTarget.model_validate(
    {
        "name": "t",
        "format": "coreml",
        "minimum_os": "iOS 18",
        "input_kind": "tensor",
        "quantization": {"precision": "float32"},
    }
)


class Function(nn.Module):
    def __init__(self, function: Callable[..., Any], *modules: nn.Module) -> None:
        super().__init__()
        self.function, self.inner = function, nn.ModuleList(modules)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*self.inner, *inputs)


def states(layer: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    result, state = layer(x)
    return (result, *state) if isinstance(state, tuple) else (result, state)


def unequal_bags(table: nn.Embedding, ids: torch.Tensor) -> torch.Tensor:
    return functional.embedding_bag(ids.reshape(-1), table.weight, torch.tensor([0, 2, 7]), mode="sum")


CASES: dict[str, tuple[Callable[[], nn.Module], Shapes]] = {
    "diff": (lambda: Function(lambda x: torch.diff(x, n=2, dim=1, prepend=x[:, :1])), ROW),
    "diff of masks": (lambda: Function(lambda x: torch.diff(x > 0).float()), ROW),
    "new_ones": (lambda: Function(lambda x: x * x.new_ones(x.shape) + x.new_ones((3, 8), dtype=torch.int64)), ROW),
    "ones of no size": (lambda: Function(lambda x: x * torch.ones(()) + x.new_ones(())), ROW),
    "new_zeros": (lambda: Function(lambda x: x + x.new_zeros(3, 8, dtype=torch.int64)), ROW),
    "zeros_like of a mask": (lambda: Function(lambda x: torch.exp(torch.zeros_like(x > 0, dtype=x.dtype)) * x), ROW),
    "full_like of a mask": (lambda: Function(lambda x: torch.full_like(x > 0, 2.5, dtype=x.dtype) * x), ROW),
    "ones_like of whole numbers": (lambda: Function(lambda ids: torch.ones_like(ids, dtype=torch.float32) / 2), IDS),
    "swapaxes": (lambda: Function(lambda x: torch.swapaxes(x, 0, -1) + 0.5), IMAGE),
    "swapdims": (lambda: Function(lambda x: x.swapdims(1, 2) * 2), IMAGE),
    "where": (lambda: Function(lambda x: torch.where(x > 0, x, -1.0) + torch.where(x > 1, 2.0, x)), ROW),
    "addcmul": (lambda: Function(lambda x: torch.addcmul(x, x, x + 1, value=0.5) + torch.addcmul(x, x, x)), ROW),
    "addcdiv": (lambda: Function(lambda x: torch.addcdiv(x, x, x.abs() + 1, value=0.5)), ROW),
    "prod": (lambda: Function(lambda x: torch.prod(x, 1, keepdim=True) + x.prod()), ROW),
    "log_sigmoid": (lambda: Function(lambda x: functional.logsigmoid(x * 50)), ROW),
    "PReLU after linear": (lambda: nn.Sequential(nn.Linear(8, 5), nn.PReLU(5)), ROW),
    "PReLU with one slope": (lambda: nn.Sequential(nn.Linear(8, 5), nn.PReLU()), ROW),
    "PReLU after convolution": (lambda: nn.Sequential(nn.Conv2d(4, 3, 1), nn.PReLU(3)), IMAGE),
    "adaptive_avg_pool3d": (lambda: nn.AdaptiveAvgPool3d((2, 3, None)), VOLUME),
    "adaptive_max_pool3d": (lambda: nn.AdaptiveMaxPool3d((2, 3, 1)), VOLUME),
    "upsample_bicubic2d": (lambda: nn.Upsample(scale_factor=1.7, mode="bicubic"), IMAGE),
    "upsample_bicubic2d to a size": (lambda: nn.Upsample((9, 3), mode="bicubic", align_corners=True), IMAGE),
    "embedding_bag": (lambda: nn.EmbeddingBag(10, 5), IDS),
    "embedding_bag, maximum": (lambda: nn.EmbeddingBag(10, 5, mode="max"), IDS),
    "embedding_bag, unequal": (lambda: Function(unequal_bags, nn.Embedding(10, 5)), IDS),
    "lstm": (lambda: Function(states, nn.LSTM(8, 4, 2, batch_first=True)), STEPS),
    "lstm both ways": (lambda: Function(states, nn.LSTM(8, 4, 2, bidirectional=True)), STEPS),
    "gru": (lambda: Function(states, nn.GRU(8, 4, 2, batch_first=True)), STEPS),
}


def scripted(source: SourceGraph) -> graphs.Graph:
    given = tuple(source.source.example_inputs())
    with torch.no_grad():
        return graphs.Graph(torch.jit.trace(source.source.module, given, check_trace=False), lambda operator: "")


def exported(source: SourceGraph) -> graphs.Graph:
    return graphs.exported(source, dividing=False)


@pytest.mark.parametrize("graph_of", [scripted, exported])
@pytest.mark.parametrize("name", CASES)
def test_a_translation_computes_the_same(name: str, graph_of: Callable[[SourceGraph], graphs.Graph]) -> None:
    make, shapes = CASES[name]
    torch.manual_seed(0)
    source = SourceGraph(source_of(make(), shapes), None, 1)
    model = convert_float(graph_of(source), source.description, source.source.settings, TARGET, {})
    assert Check(source).snr_of(model.mlmodel) > 100
