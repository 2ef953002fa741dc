"""Sources of `test_foreign`, as factories."""

from typing import Any

import torch
from torch import nn


class Classifier(nn.Module):
    """Images (N, 3, 32, 32) -> 5 scores; `backwards` gives them in reverse."""

    def __init__(self, *, backwards: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.layer, self.backwards = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, 5), backwards
        with torch.no_grad():
            self.layer.weight.mul_(5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.layer(self.conv(x).relu().mean((2, 3)))
        return scores.flip(1) if self.backwards else scores


class Two(nn.Module):
    """Ids (1, 6) and features (1, 4) -> (1, 6, 3) and (1, 7)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.table, self.layer = nn.Embedding(10, 3), nn.Linear(4, 7)

    def forward(self, ids: torch.Tensor, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.table(ids), self.layer(features)


class SwappedTwo(nn.Module):
    """Takes and gives what `Two` does in the other order."""

    def __init__(self) -> None:
        super().__init__()
        self.two = Two()

    def forward(self, features: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        first, second = self.two(ids, features)
        return second, first


class Twins(nn.Module):
    """Two outputs of one shape."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.one, self.other = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.one(x), self.other(x)


class DiffAndSum(nn.Module):
    """Two inputs and two outputs of one shape."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return a - b, a + b


class TwoLessAndMore(nn.Module):
    """`DiffAndSum` with twos for its second input."""

    def forward(self, a: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return a - 2, a + 2


class ScoresAndBest(Classifier):
    """Scores, and the index of the best."""

    def forward(self, x: torch.Tensor) -> Any:
        scores = super().forward(x)
        return scores, scores.argmax(1).int()


def classifier() -> Classifier:
    return Classifier().eval()


def reversed_classifier() -> Classifier:
    return Classifier(backwards=True).eval()


def two_in_two_out() -> nn.Module:
    return Two().eval()


def swapped_two() -> nn.Module:
    return SwappedTwo().eval()


def twins() -> nn.Module:
    return Twins().eval()


def diff_and_sum() -> nn.Module:
    return DiffAndSum().eval()


def two_less_and_more() -> nn.Module:
    return TwoLessAndMore().eval()


def flat() -> nn.Module:
    return nn.Linear(16, 5).eval()


def scores_and_best() -> nn.Module:
    return ScoresAndBest().eval()
