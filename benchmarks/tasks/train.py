r"""Trains detector, segmenter and keyword spotter of `task_networks.py` on data made here, from a fixed seed.

    python benchmarks/tasks/train.py detector --out detector.pt --steps 2000 \
        --objects cifar10.zip --backgrounds imagenet_sample_500.zip --backbone mobilenet_v2_imagenet.pt
    python benchmarks/tasks/train.py keyword_spotter --out keyword_spotter.pt --steps 2500

`--objects` is a zip of ``train/CLASS/*.jpg`` and ``test/CLASS/*.jpg``, `--backgrounds` one of photographs, `--backbone`
a state dict of torchvision's mobilenet_v2. With `--device cuda` each takes two minutes; then give it many `--workers`.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scenes
import speech
import task_networks
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

MEAN, SCALE = 127.5, 127.5
SMALL = 44.0
"""Objects whose sides are longer on average are found on the coarse grid."""

Batch = dict[str, Tensor]


class SceneData(Dataset[Batch]):
    """Scenes by number, as tensors."""

    def __init__(self, pictures: scenes.Pictures, count: int) -> None:
        self.pictures, self.count = pictures, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        found = scenes.scene(self.pictures, index)
        boxes = torch.zeros(scenes.MOST_OBJECTS, 5)
        boxes[:, 4] = -1
        boxes[: len(found.corners), :4] = torch.from_numpy(found.corners)
        boxes[: len(found.corners), 4] = torch.from_numpy(found.classes)
        image = (torch.from_numpy(found.pixels.transpose(2, 0, 1).astype(np.float32)) - MEAN) / SCALE
        return {"image": image, "boxes": boxes, "mask": torch.from_numpy(found.mask.astype(np.int64))}


class ClipData(Dataset[Batch]):
    """Clips by number, as log-mel frames."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        wave, label = speech.clip(index)
        return {"image": torch.from_numpy(speech.front_end(wave, speech.RATE)), "label": torch.tensor(label)}


def detection_loss(found: tuple[Tensor, Tensor], batch: Batch, network: Any) -> Tensor:
    """Generalized IoU of cells near the middle of an object, and varifocal loss (Zhang et al., 2021) of scores."""
    corners, logits = found
    wanted, kinds = _assigned(batch["boxes"], network.centres[0], network.strides[0, 0])
    chosen = kinds >= 0
    own, goal = corners.transpose(1, 2)[chosen], wanted[chosen]
    overlap, generalized = _overlaps(own, goal)
    target = torch.zeros_like(logits.transpose(1, 2))
    target[chosen, kinds[chosen]] = overlap.detach().clamp(0.05, 1).to(target.dtype)
    scores = logits.transpose(1, 2)
    weight = torch.where(target > 0, target, 0.75 * scores.detach().sigmoid() ** 2)
    entropy = functional.binary_cross_entropy_with_logits(scores, target, reduction="none")
    total = target.sum().clamp(min=1)
    return (weight * entropy).sum() / total + 2 * (1 - generalized).mean()


def _assigned(boxes: Tensor, centres: Tensor, strides: Tensor) -> tuple[Tensor, Tensor]:
    """For each image and cell the corners of its object and its class, -1 for none; the smallest of several."""
    corners, kinds = boxes[..., :4], boxes[..., 4].long()
    sides = corners[..., 2:] - corners[..., :2]
    middle = (corners[..., :2] + corners[..., 2:]) / 2
    away = (centres.T[None, None] - middle[:, :, None]).abs().amax(-1)
    inside = torch.minimum(
        centres.T[None, None] - corners[:, :, None, :2], corners[:, :, None, 2:] - centres.T[None, None]
    ).amin(-1)
    area = sides.prod(-1)
    coarse = area.sqrt() > SMALL
    on_its_grid = (strides == task_networks.STRIDES[1])[None, None] == coarse[:, :, None]
    near = (away < 1.5 * strides) & (inside > 0) & on_its_grid & (kinds >= 0)[:, :, None]
    cost = torch.where(near, area[:, :, None], math.inf)
    least, place = cost.min(1)
    wanted = corners.gather(1, place[..., None].expand(-1, -1, 4))
    return wanted, torch.where(least < math.inf, kinds.gather(1, place), -1)


def _overlaps(own: Tensor, goal: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalized IoU (Rezatofighi et al., 2019) of pairs of corners."""
    low, high = torch.maximum(own[:, :2], goal[:, :2]), torch.minimum(own[:, 2:], goal[:, 2:])
    both = (high - low).clamp(min=0).prod(1)
    union = (own[:, 2:] - own[:, :2]).prod(1) + (goal[:, 2:] - goal[:, :2]).prod(1) - both
    hull = (torch.maximum(own[:, 2:], goal[:, 2:]) - torch.minimum(own[:, :2], goal[:, :2])).prod(1)
    overlap = both / union.clamp(min=1e-6)
    return overlap, overlap - (hull - union) / hull.clamp(min=1e-6)


def segmentation_loss(found: Tensor, batch: Batch, network: nn.Module) -> Tensor:
    """Cross entropy a pixel."""
    return functional.cross_entropy(found, batch["mask"])


def word_loss(found: Tensor, batch: Batch, network: nn.Module) -> Tensor:
    """Cross entropy a clip."""
    return functional.cross_entropy(found, batch["label"])


Loss = Callable[[Any, Batch, nn.Module], Tensor]
KINDS: dict[str, tuple[Callable[[], nn.Module], Loss]] = {
    "detector": (task_networks.detector, detection_loss),
    "segmenter": (task_networks.segmenter, segmentation_loss),
    "keyword_spotter": (task_networks.keyword_spotter, word_loss),
}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--backbone-rate", type=float, default=0.25, help="Of the rate.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bfloat16", action="store_true", help="For processors with instructions for it.")
    parser.add_argument("--objects", type=Path)
    parser.add_argument("--backgrounds", type=Path)
    parser.add_argument("--backbone", type=Path)
    given = parser.parse_args()
    torch.manual_seed(0)
    make, loss = KINDS[given.kind]
    network = make().to(given.device).to(memory_format=torch.channels_last).train()
    if given.backbone:
        _load_backbone(network, given.backbone)
        # Edges and textures are learned already; what is not trained takes a third of the time.
        network.get_submodule("backbone.low").eval().requires_grad_(False)
    _train(network, loss, _batches(given), given)
    torch.save({name: value.cpu() for name, value in network.state_dict().items()}, given.out)


def _load_backbone(network: nn.Module, path: Path) -> None:
    state = torch.load(path, map_location="cpu", weights_only=True)
    layers = [(part, index) for part, size in (("low", 7), ("middle", 7), ("high", 4)) for index in range(size)]
    moved = {}
    for name, value in state.items():
        pieces = name.split(".")
        if pieces[0] == "features" and int(pieces[1]) < len(layers):
            part, index = layers[int(pieces[1])]
            moved[".".join((part, str(index), *pieces[2:]))] = value
    network.backbone.load_state_dict(moved)  # type: ignore[union-attr]


def _batches(given: argparse.Namespace) -> Iterator[Batch]:
    count = given.steps * given.batch
    if given.kind == "keyword_spotter":
        data: Dataset[Batch] = ClipData(count)
    else:
        data = SceneData(scenes.read_pictures(given.objects, given.backgrounds, "train"), count)
    return iter(
        DataLoader(data, given.batch, num_workers=given.workers, drop_last=True, pin_memory=given.device != "cpu")
    )


def _train(network: nn.Module, loss: Loss, batches: Iterator[Batch], given: argparse.Namespace) -> None:
    trained = [(name, value) for name, value in network.named_parameters() if value.requires_grad]
    learned = [value for name, value in trained if name.startswith("backbone.")]
    new = [value for name, value in trained if not name.startswith("backbone.")]
    # What is learned already is moved less.
    rates = [(part, rate) for part, rate in ((new, given.rate), (learned, given.rate * given.backbone_rate)) if part]
    optimizer = torch.optim.AdamW([{"params": part} for part, _ in rates], weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [rate for _, rate in rates], total_steps=given.steps, pct_start=0.1
    )
    begun, shown = time.monotonic(), 0.0
    for step, batch in enumerate(batches):
        moved = {name: value.to(given.device, non_blocking=True) for name, value in batch.items()}
        with torch.autocast(given.device, torch.bfloat16, enabled=given.bfloat16):
            found = network(moved["image"])
        value = loss(_in_float32(found), moved, network)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10)
        optimizer.step()
        schedule.step()
        shown = value.item() if step == 0 else 0.98 * shown + 0.02 * value.item()
        if step % 50 == 49:
            print(f"step {step + 1} of {given.steps}, loss {shown:.4f}, {time.monotonic() - begun:.0f} s", flush=True)


def _in_float32(found: Any) -> Any:
    return tuple(one.float() for one in found) if isinstance(found, tuple) else found.float()


if __name__ == "__main__":
    main()
