"""Networks for inputs of several shapes; a MODEL argument names this file."""

import torch
from torch import Tensor, nn


class Pooled(nn.Module):
    """(N, 3, H, W) -> (N, 5) of any height and width: a stride, a padded pool, an adaptive pool and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        layers = [nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(8, 12, 1)]
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.flatten(self.pool(self.features(x)), 1))


class Mean(nn.Module):
    """(N, L) token numbers below 40 and a mask of them -> (N, 4), of any length."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(40, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        weights = mask.to(torch.float32).unsqueeze(-1)
        return self.head((self.embedding(ids) * weights).sum(1) / weights.sum(1))


class Fixed(nn.Module):
    """(N, 3, 32, 32) -> (N, 5): its linear layer is made for one size."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 2, 3, 2, 1)
        self.head = nn.Linear(2 * 16 * 16, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).flatten(1))


class Even(nn.Module):
    """(N, 3, H, W) -> (N, 3, H, W) of even lengths alone, as many decoders are."""

    def forward(self, x: Tensor) -> Tensor:
        return x + nn.functional.interpolate(nn.functional.avg_pool2d(x, 2), scale_factor=2.0)


class Another(Pooled):
    """What `Pooled` computes on images 48 high, and something else on others."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + 0.1 * (48 - x.shape[2]))
