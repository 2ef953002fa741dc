"""A detector, a segmenter and a keyword spotter, small as phones take them; factories for the command line too.

mobile-export run benchmarks/tasks/task_networks.py:detector --weights detector.pt ...
"""

from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 10
SIZE = 192
STRIDES = (8, 16)
WORDS = 12
"""Ten words, other speech, and none."""

FRAMES, BANDS = 98, 40


class Backbone(nn.Module):
    """MobileNetV2's features at strides 8, 16 and 32 (Sandler et al., 2018)."""

    def __init__(self) -> None:
        super().__init__()
        layers = torchvision.models.mobilenet_v2(weights=None).features
        layers = list(layers)
        self.low, self.middle, self.high = (nn.Sequential(*layers[a:b]) for a, b in ((0, 7), (7, 14), (14, 18)))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Channels 32, 96 and 320."""
        low = self.low(image)
        middle = self.middle(low)
        return low, middle, self.high(middle)


def _separable(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
    )


def _tower(width: int, values: int, start: float) -> nn.Sequential:
    last = nn.Conv2d(width, values, 1)
    nn.init.constant_(last.bias, start)  # type: ignore[arg-type]
    return nn.Sequential(_separable(width), _separable(width), last)


class Detector(nn.Module):
    """Distances to the four sides and a score a class, for every cell of two grids (as FCOS, Tian et al., 2019).

    Out of training it gives what YOLOv8 gives: (N, 4 + classes, cells), centre boxes in pixels and scores in [0, 1].
    """

    def __init__(self, classes: int = CLASSES, width: int = 96) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.laterals = nn.ModuleList([nn.Conv2d(channels, width, 1) for channels in (32, 96, 320)])
        # A tower a grid: their statistics differ, and batch normalization keeps one.
        self.box = nn.ModuleList(_tower(width, 4, 2.0) for _ in STRIDES)
        self.kind = nn.ModuleList(_tower(width, classes, -4.0) for _ in STRIDES)
        self.centres: Tensor
        self.strides: Tensor
        centres, strides = _cells()
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("strides", strides, persistent=False)

    def heads(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Corners in pixels (N, 4, cells), and logits (N, classes, cells)."""
        features = [lateral(one) for lateral, one in zip(self.laterals, self.backbone(image), strict=True)]
        middle = features[1] + functional.interpolate(features[2], scale_factor=2.0)
        low = features[0] + functional.interpolate(middle, scale_factor=2.0)
        grids = (low, middle)
        sides = torch.cat([tower(grid).flatten(2) for tower, grid in zip(self.box, grids, strict=True)], 2)
        logits = torch.cat([tower(grid).flatten(2) for tower, grid in zip(self.kind, grids, strict=True)], 2)
        reach = functional.relu(sides) * self.strides
        corners = torch.cat([self.centres - reach[:, :2], self.centres + reach[:, 2:]], 1)
        return corners, logits

    def forward(self, image: Tensor) -> Any:
        """See the class."""
        corners, logits = self.heads(image)
        if self.training:
            return corners, logits
        start, end = corners[:, :2], corners[:, 2:]
        return torch.cat([(start + end) / 2, end - start, logits.sigmoid()], 1)


def _cells() -> tuple[Tensor, Tensor]:
    """Centres (1, 2, cells) in pixels and strides (1, 1, cells)."""
    centres, strides = [], []
    for stride in STRIDES:
        line = (torch.arange(SIZE // stride) + 0.5) * stride
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        centres.append(torch.stack([columns.flatten(), rows.flatten()]))
        strides.append(torch.full((1, len(line) ** 2), float(stride)))
    return torch.cat(centres, 1)[None], torch.cat(strides, 1)[None]


class Segmenter(nn.Module):
    """A score a class and pixel; the head is LR-ASPP's (Howard et al., "Searching for MobileNetV3", 2019)."""

    def __init__(self, classes: int = CLASSES + 1, width: int = 96) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.features = nn.Sequential(
            nn.Conv2d(320, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(320, width, 1), nn.Sigmoid())
        self.middle = nn.Conv2d(96, width, 1)
        self.mixed = _separable(width)
        self.high = nn.Conv2d(width, classes, 1)
        self.low = nn.Conv2d(32, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, classes, height, width)."""
        low, middle, high = self.backbone(image)
        features = self.features(high) * self.scale(high)
        features = self.mixed(self.middle(middle) + functional.interpolate(features, scale_factor=2.0))
        logits = self.low(low) + self.high(functional.interpolate(features, scale_factor=2.0))
        return functional.interpolate(logits, scale_factor=8.0, mode="bilinear")


class KeywordSpotter(nn.Module):
    """DS-CNN on log-mel frames (Zhang et al., "Hello Edge", 2017): (N, 1, frames, bands) to a logit a word."""

    def __init__(self, words: int = WORDS, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, (10, 4), stride=2, padding=(4, 1), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(*(_separable(width) for _ in range(4)))
        self.words = nn.Linear(width, words)

    def forward(self, frames: Tensor) -> Tensor:
        """Logits (N, words)."""
        logits: Tensor = self.words(self.blocks(self.stem(frames)).mean((2, 3)))
        return logits


def detector() -> nn.Module:
    """Untrained; weights come with ``--weights``."""
    return Detector().eval()


def segmenter() -> nn.Module:
    """Untrained."""
    return Segmenter().eval()


def keyword_spotter() -> nn.Module:
    """Untrained."""
    return KeywordSpotter().eval()
