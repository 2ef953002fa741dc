"""Random changes of images, each image on its own."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from exporter.compression.model import Examples
from exporter.data.errors import UsageProblem

# Shares of the image's area and width to height, as in torchvision's RandomResizedCrop but for less extreme zoom.
CROP_AREA, CROP_RATIO = (0.25, 1.0), (3 / 4, 4 / 3)


def check_augmentations(kinds: Sequence[str], example_inputs: Examples, *, labelled: bool, stage: str) -> None:
    """Refuse changes that these inputs cannot take.

    Raises:
        UsageProblem: mixtures of labelled images, or inputs that are not one image.
    """
    if not kinds:
        return
    if labelled and "mixup" in kinds:
        raise UsageProblem(
            f"{stage}: training.augment: mixtures of images have no label, only a teacher judges them: leave mixup "
            "out, or give the images without labels."
        )
    if len(example_inputs) != 1 or example_inputs[0].dim() != 4:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in example_inputs)
        raise UsageProblem(f"{stage}: training.augment changes one input of images, and this model takes {shapes}.")


def augmented(images: Tensor, kinds: Sequence[str]) -> Tensor:
    """The images (N, C, H, W), each changed by chance, independently of the others.

    Args:
        images: one batch.
        kinds: names as in `Training.augment`; applied in the order crop, flip, shift, mixup, however they are listed.
    """
    for kind, change in _AUGMENTATIONS.items():
        if kind in kinds:
            images = change(images)
    return images


def _cropped(images: Tensor) -> Tensor:
    area = torch.empty(len(images)).uniform_(*CROP_AREA)
    ratio = torch.empty(len(images)).uniform_(*map(math.log, CROP_RATIO)).exp()
    # Sizes and centres as shares of the image, in the coordinates of affine_grid, which go from -1 to 1.
    sizes = torch.stack([area * ratio, area / ratio], 1).sqrt().clamp(max=1)
    centres = (1 - sizes) * (2 * torch.rand(len(images), 2) - 1)
    transforms = torch.cat([torch.diag_embed(sizes), centres[:, :, None]], 2).to(images)
    grid = nn.functional.affine_grid(transforms, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _mirrored(images: Tensor) -> Tensor:
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)


def _shifted(images: Tensor) -> Tensor:
    count, channels, height, width = images.shape
    margin = max(1, height // 8)
    padded = nn.functional.pad(images, (margin,) * 4)
    top, left = torch.randint(2 * margin + 1, (2, count, 1, 1))
    rows, columns = top + torch.arange(height)[:, None], left + torch.arange(width)
    places = (rows * padded.shape[3] + columns).flatten(1)[:, None].expand(-1, channels, -1).to(images.device)
    return padded.flatten(2).gather(2, places).view_as(images)


def _mixed(images: Tensor) -> Tensor:
    shares = torch.rand(len(images)).view(-1, 1, 1, 1).to(images)
    return torch.lerp(images, images[torch.randperm(len(images)).to(images.device)], shares)


_AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "crop": _cropped,
    "flip": _mirrored,
    "shift": _shifted,
    "mixup": _mixed,
}
