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


class Detector(nn.Module):
    """Images (N, 3, 32, 32) -> (N, 7, 80): a head as YOLOv8's, with 3 classes and strides of 4 and 8."""

    grid: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 12, 4, stride=4)
        self.second = nn.Conv2d(12, 16, 2, stride=2)
        self.boxes = nn.ModuleList([nn.Conv2d(12, 4, 1), nn.Conv2d(16, 4, 1)])
        self.classes = nn.ModuleList([nn.Conv2d(12, 3, 1), nn.Conv2d(16, 3, 1)])
        cells = [torch.stack([*torch.meshgrid(*[torch.arange(n) * 32.0 / n] * 2, indexing="xy")]) for n in (8, 4)]
        self.register_buffer("grid", torch.cat([one.flatten(1) for one in cells], 1)[None])

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        fine = torch.relu(self.first(image))
        maps = (fine, torch.relu(self.second(fine)))
        sides, scores = (
            torch.cat([layer(one).flatten(2) for layer, one in zip(layers, maps, strict=True)], 2)
            for layers in (self.boxes, self.classes)
        )
        boxes = torch.cat([self.grid + sides[:, :2], 4 + 8 * torch.sigmoid(sides[:, 2:])], 1)
        return torch.cat([boxes, torch.sigmoid(4 * scores)], 1)


def detector() -> nn.Module:
    """A `Detector` with fixed weights."""
    torch.manual_seed(3)
    return Detector().eval()


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
