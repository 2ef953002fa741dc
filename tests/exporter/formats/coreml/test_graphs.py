"""Graphs for coremltools: constants are computed before it reads them, and refusals name what was meant."""

from typing import Any

import pytest
import torch
from torch import nn

from exporter.data.errors import ToolError
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.conversion.graphs import graphs
from exporter.formats.coreml.conversion.program import convert_float
from exporter.formats.coreml.settings import CoremlTarget
from tests.exporter.formats.common.by_hand import source_of

TARGET = CoremlTarget.model_validate({"name": "t", "format": "coreml", "minimum_os": "iOS 18"})


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = torch.triu(torch.full((6, 6), float("-inf")), 1)
        positions = torch.arange(6) + torch.iinfo(torch.int64).max // 2 * 2
        return torch.softmax(self.linear(x) + mask, -1) * (positions > 0)


class Inner(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.special.ndtri(x.sigmoid())


def source(module: nn.Module, *shape: int) -> SourceGraph:
    return SourceGraph(source_of(module, {"x": shape}), None, 1)


def operators(graph: graphs.Graph) -> list[str]:
    return [str(node.target) for node in graph.program.graph.nodes if node.op == "call_function"]


def test_what_depends_on_no_input_is_computed_by_torch() -> None:
    """Protects from infinities and types that translations of masks and ranges lose."""
    graph = graphs.exported(source(Masked(), 1, 6), dividing=False)
    assert operators(graph) == [
        "aten.linear.default",
        "aten.add.Tensor",
        "aten.softmax.int",
        "aten.mul.Tensor",
    ]


def test_weights_stay_parameters() -> None:
    graph = graphs.exported_rewritten(source(Masked(), 1, 6), dividing=False)
    assert set(graph.program.graph_signature.parameters) == {"linear.weight", "linear.bias"}


def test_a_refusal_of_an_exported_program_names_operator_layer_line_and_remedy() -> None:
    given = source(nn.Sequential(nn.Linear(8, 8), Inner()), 1, 8)
    with pytest.raises(ToolError) as caught:
        convert_float(graphs.exported(given, dividing=False), given.description, given.source.settings, TARGET, {})
    text = str(caught.value)
    assert text.startswith("coremltools cannot convert operator ndtri in layer 1 (test_graphs.py, line 32).")
    assert "Approximate it by a polynomial" in text


def test_fused_attention_is_off_for_conversion_alone() -> None:
    layer: Any = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    for graph_of in (graphs.traced, graphs.exported, graphs.exported_rewritten):
        graph_of(source(layer, 1, 6, 8), dividing=False)
        assert torch.backends.mha.get_fastpath_enabled()
