"""Networks small enough to convert in a second, for tests."""

import torch
from torch import nn


class SmallNet(nn.Module):
    """Images (N, 3, 16, 16) -> scores of 5 classes; a depthwise and a plain convolution, a residual, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        self.depthwise = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.ReLU6())
        self.mix = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Linear(16, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.stem(image)
        x = x + self.mix(self.depthwise(x))
        return self.head(x.mean((2, 3)))


class Segmenter(nn.Module):
    """Images (N, 3, 12, 16) -> maps (N, 4, 12, 16): an output whose channels a converter may move."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        x = torch.relu(self.first(image))
        return {"out": self.last(x), "mean": x.mean((2, 3))}


def small() -> nn.Module:
    """A `SmallNet` with fixed weights and batch statistics that differ from the default."""
    torch.manual_seed(1)
    net = SmallNet().train()
    with torch.no_grad():
        for _ in range(3):
            net(torch.randn(8, 3, 16, 16))
    return net.eval()


def segmenter() -> nn.Module:
    """A `Segmenter` with fixed weights."""
    torch.manual_seed(2)
    return Segmenter().eval()


def nan_weights() -> nn.Module:
    """A network that must be refused."""
    net = small()
    with torch.no_grad():
        net.get_parameter("head.weight")[0, 0] = float("nan")
    return net


def not_a_module() -> int:
    """A factory that gives something else."""
    return 3
