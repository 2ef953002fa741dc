"""A small convolutional network for 8x8 digits, trained in seconds."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

EPOCHS = 12
BATCH = 32
HELD_OUT = 360
MEAN, STD = 0.3, 0.37
"""Of the training pixels, scaled to [0, 1]."""


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


class DigitsNet(nn.Module):
    """Grey images (N, 1, 8, 8), normalized -> logits (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_convolution(1, 32),
            *_convolution(32, 64),
            nn.MaxPool2d(2),
            *_convolution(64, 64),
        )
        self.classifier = nn.Linear(64, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Class scores."""
        scores: torch.Tensor = self.classifier(self.features(image).mean((2, 3)))
        return scores


def load_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images uint8 (1797, 8, 8) and labels, shuffled once; the last `HELD_OUT` are for evaluation.

    Source: UCI "Optical Recognition of Handwritten Digits", as bundled with scikit-learn.
    """
    from sklearn.datasets import load_digits as bundled

    digits = bundled()
    order = np.random.default_rng(0).permutation(len(digits.target))
    return np.asarray(digits.images[order] * 255 / 16, np.uint8), np.asarray(digits.target[order], np.int64)


def train(images: NDArray[np.uint8], labels: NDArray[np.int64], on_epoch: Any) -> DigitsNet:
    """Train on all but the held-out images; deterministic.

    Args:
        on_epoch: called with (epochs done, epochs).
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)  # layers this small are slower on several threads, much slower on a busy machine
    pixels = torch.from_numpy(images[:-HELD_OUT]).float()[:, None] / 255
    inputs, wanted = (pixels - MEAN) / STD, torch.from_numpy(labels[:-HELD_OUT])
    net = DigitsNet().train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for epoch in range(EPOCHS):
        for batch in torch.randperm(len(inputs)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[batch]), wanted[batch]).backward()
            optimizer.step()
        schedule.step()
        on_epoch(epoch + 1, EPOCHS)
    return net.eval()


def write_demo(folder: Path, on_epoch: Any) -> None:
    """Write ``model.pt2``, ``calibration.npz`` and ``evaluation.npz`` into `folder`."""
    images, labels = load_digits()
    net = train(images, labels, on_epoch)
    folder.mkdir(parents=True, exist_ok=True)
    torch.export.save(torch.export.export(net, (torch.zeros(1, 1, 8, 8),)), folder / "model.pt2")
    np.savez(folder / "calibration.npz", x=images[:100])
    np.savez(folder / "evaluation.npz", x=images[-HELD_OUT:], y=labels[-HELD_OUT:])
    (folder / "labels.txt").write_text("\n".join(map(str, range(10))) + "\n", encoding="utf-8")
