"""Calls that are rewritten before any graph is made are found with their layers."""

import torch
from torch import nn
from torch.nn.modules import module as torch_module

from exporter.data.facts.source import InputSpec
from exporter.formats.common.tracing.rewritten import RewrittenCall, rewritten_calls

INPUT = InputSpec(name="x", shape=(1, 4, 6))


class Inner(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fmod(x, 0.7)


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.ReLU(), Inner())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fmod(self.block(x), 0.3)


def test_each_call_has_its_layer() -> None:
    calls = rewritten_calls(Outer().eval(), [INPUT])
    assert calls == [RewrittenCall("fmod", "block.1"), RewrittenCall("fmod", "")]


def test_a_model_without_any_has_none() -> None:
    assert rewritten_calls(nn.Sequential(nn.ReLU(), nn.Flatten()).eval(), [INPUT]) == []


def test_nothing_listens_afterwards() -> None:
    """Protects every later run of any model from hooks that were left behind."""
    before = len(torch_module._global_forward_hooks), len(torch_module._global_forward_pre_hooks)
    rewritten_calls(Outer().eval(), [INPUT])
    assert (len(torch_module._global_forward_hooks), len(torch_module._global_forward_pre_hooks)) == before
