"""A network of handwritten digits whose weights lie beside it; `conftest.py` makes them."""

from pathlib import Path

import torch
from torch import Tensor, nn


class Net(nn.Module):
    """Two convolutions and a classifier; grey images (N, 1, 8, 8), normalized."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 32, 3, padding=1)
        self.body = nn.Conv2d(32, 48, 3, stride=2, padding=1)
        self.head = nn.Linear(48 * 4, 10)

    def features(self, image: Tensor) -> Tensor:
        """What the classifier reads."""
        found = torch.relu(self.body(torch.relu(self.stem(image))))
        return nn.functional.avg_pool2d(found, 2).flatten(1)

    def forward(self, image: Tensor) -> Tensor:
        scores: Tensor = self.head(self.features(image))
        return scores


def net() -> Net:
    made = Net().eval()
    made.load_state_dict(torch.load(Path(__file__).with_name("digits.pt")))
    return made
