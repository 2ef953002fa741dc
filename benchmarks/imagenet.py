"""MobileNetV2 with its ImageNet weights, and the shared images that it is calibrated and tried on, as tensors."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from exporter.execution.heavy import load_torchvision


def mobilenet(shared: Path) -> nn.Module:
    """With the shared weights, which are for inputs from -1 to 1; in eval mode."""
    network: nn.Module = load_torchvision().models.mobilenet_v2(weights=None)
    network.load_state_dict(torch.load(shared / "models" / "mobilenet_v2_imagenet.pt", weights_only=True))
    return network.eval()


def images_of(shared: Path) -> tuple[Tensor, list[int]]:
    """The 500 images, float32 (500, 3, 224, 224) from -1 to 1, and their classes."""
    with zipfile.ZipFile(shared / "data" / "imagenet_sample_500.zip") as content:
        (listing,) = (name for name in content.namelist() if name.endswith("labels.csv"))
        rows = list(csv.DictReader(io.TextIOWrapper(content.open(listing))))
        folder = listing.removesuffix("labels.csv")
        pixels = [np.asarray(Image.open(content.open(folder + row["path"])).convert("RGB")) for row in rows]
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images, [int(row["label"]) for row in rows]
