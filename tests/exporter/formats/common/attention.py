"""Attention under masks of every kind that models use, for tests of integers."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from exporter.datasets.dataset import Dataset
from exporter.formats.session import ConversionSession
from tests.exporter.formats.common.by_hand import source_of

LENGTH, WIDTH = 12, 16
LEAST = torch.finfo(torch.float32).min

Mask = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def added(value: float) -> Mask:
    """As in most decoders: the upper triangle is a constant of the graph."""
    return lambda scores, keep, seen: scores + torch.triu(torch.full((LENGTH, LENGTH), value), 1)


MASKS: dict[str, Mask] = {
    "none": lambda scores, keep, seen: scores,
    "adds -inf": added(float("-inf")),
    "adds the least float": added(LEAST),
    "adds -1e4": added(-1e4),
    "fills -inf": lambda scores, keep, seen: scores.masked_fill(~keep, float("-inf")),
    "chooses": lambda scores, keep, seen: torch.where(keep, scores, LEAST),
    "of an input": lambda scores, keep, seen: scores + (1 - seen[:, None]) * LEAST,
    "adds before scaling": lambda scores, keep, seen: (
        0.25 * (4 * scores + torch.triu(torch.full((LENGTH, LENGTH), -1e9), 1))
    ),
    "adds before dividing": lambda scores, keep, seen: (4 * scores + (1 - seen[:, None]) * -1e4) / 4,
    "takes away": lambda scores, keep, seen: scores - (1 - seen[:, None]) * 1e9,
    "of an input and a triangle": lambda scores, keep, seen: (
        scores + torch.where(keep & (seen[:, None] > 0.5), 0.0, LEAST)
    ),
    "added to a bias": lambda scores, keep, seen: scores + (torch.cos(scores) + (1 - seen[:, None]) * LEAST),
}


class Attention(nn.Module):
    """One head whose scores are far apart, so that a mask that swallows them shows."""

    def __init__(self, mask: str) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.norm, self.head, self.mask = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 8), MASKS[mask]
        self.keep: torch.Tensor
        self.register_buffer("keep", torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril())

    def forward(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        query, key, value = (part(x) for part in self.parts)
        scores = self.mask(4 * query @ key.transpose(1, 2) / WIDTH**0.5, self.keep, seen)
        return self.head(self.norm(x + torch.softmax(scores, -1) @ value)) + 0 * seen[:, :1, None]


def example(index: int) -> tuple[NDArray[np.float32], ...]:
    """Of padded length; the first five places always count."""
    draw = np.random.default_rng(index)
    seen = np.ones(LENGTH, np.float32)
    seen[draw.integers(5, LENGTH + 1) :] = 0
    return draw.standard_normal((LENGTH, WIDTH), np.float32), seen


def network(kind: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind().eval()


@cache
def module_of(mask: str) -> nn.Module:
    return network(lambda: Attention(mask))


@cache
def session(mask: str) -> ConversionSession:
    """Converts `Attention`, calibrated on eight examples."""
    source = source_of(module_of(mask), {"x": (1, LENGTH, WIDTH), "seen": (1, LENGTH)})
    return ConversionSession(source, Dataset("noise", "noise", 8, example), 8)
