"""Scenes with known objects: small pictures of ten classes pasted on photographs, seeded, as many as are asked for.

What makes them hard: objects of 32 to 96 pixels that hide one another in part, shapes that are no boxes, changes of
brightness, contrast and blur, and grounds that are real photographs. Training and test scenes share no picture.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

SIZE = 192
SMALLEST, LARGEST = 32, 96
MOST_OBJECTS = 5
LEAST_VISIBLE = 0.5
"""Share of an object that may be seen at least; one that is hidden more is taken out."""

BACKGROUNDS_FOR_TEST = 100

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """What scenes are made of.

    Attributes:
        objects: uint8 (32, 32, 3) a class.
        backgrounds: uint8 (224, 224, 3).
    """

    names: tuple[str, ...]
    objects: tuple[tuple[Pixels, ...], ...]
    backgrounds: tuple[Pixels, ...]


@dataclass(frozen=True)
class Scene:
    """One image and what is on it.

    Attributes:
        pixels: uint8 (SIZE, SIZE, 3).
        corners: float32 (objects, 4), left, top, right, bottom of what is seen of each.
        classes: int64 (objects,).
        mask: uint8 (SIZE, SIZE), 0 for the ground and 1 + class elsewhere.
    """

    pixels: Pixels
    corners: NDArray[np.float32]
    classes: NDArray[np.int64]
    mask: Pixels


def read_pictures(objects: Path, backgrounds: Path, part: str) -> Pictures:
    """Of zip files: ``train/CLASS/*.jpg`` and ``test/CLASS/*.jpg``; and photographs, the last of which are for tests.

    Args:
        part: ``train`` or ``test``.
    """
    found: dict[str, list[Pixels]] = {}
    with zipfile.ZipFile(objects) as archive:
        for name in sorted(archive.namelist()):
            pieces = name.split("/")
            if pieces[0] == part and name.endswith(".jpg"):
                # The photographs stand on their heads, as the weights that training starts from want them.
                picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB").rotate(180)
                found.setdefault(pieces[1], []).append(np.asarray(picture))
    with zipfile.ZipFile(backgrounds) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        # Every fifth, since neighbours are alike.
        chosen = [name for place, name in enumerate(names) if (place % 5 == 0) == (part == "test")]
        photographs = [np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in chosen]
    return Pictures(tuple(found), tuple(map(tuple, found.values())), tuple(photographs))


def scene(pictures: Pictures, seed: int) -> Scene:
    """The scene of a number; the same number gives the same scene."""
    random = np.random.default_rng(seed)
    canvas = _ground(pictures.backgrounds[random.integers(len(pictures.backgrounds))], random)
    owner = np.full((SIZE, SIZE), -1, np.int64)
    classes, areas = [], []
    for place in range(int(random.integers(1, MOST_OBJECTS + 1))):
        kind = int(random.integers(len(pictures.objects)))
        picture = pictures.objects[kind][random.integers(len(pictures.objects[kind]))]
        side = round(float(np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST)))))
        inside = _shape(side, int(random.integers(4)))
        left, top = (int(value) for value in random.integers(0, SIZE - side, 2))
        window = np.s_[top : top + side, left : left + side]
        canvas[window][inside] = _object(picture, side, random)[inside]
        owner[window][inside] = place
        classes.append(kind)
        areas.append(int(inside.sum()))
    return _seen(canvas, owner, classes, areas)


def _seen(canvas: Pixels, owner: NDArray[np.int64], classes: Sequence[int], areas: Sequence[int]) -> Scene:
    corners, kept, mask = [], [], np.zeros((SIZE, SIZE), np.uint8)
    for place, (kind, area) in enumerate(zip(classes, areas, strict=True)):
        rows, columns = np.nonzero(owner == place)
        if len(rows) >= LEAST_VISIBLE * area:
            corners.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
            kept.append(kind)
        # What is hidden too much to be found is still of its class, a pixel at a time.
        mask[rows, columns] = 1 + kind
    return Scene(canvas, np.array(corners, np.float32).reshape(-1, 4), np.array(kept, np.int64), mask)


def _ground(photograph: Pixels, random: np.random.Generator) -> Pixels:
    side = int(random.integers(SIZE * 2 // 3, min(photograph.shape[:2]) + 1))
    top, left = (int(random.integers(0, length - side + 1)) for length in photograph.shape[:2])
    part = Image.fromarray(photograph[top : top + side, left : left + side]).resize(
        (SIZE, SIZE), Image.Resampling.BILINEAR
    )
    pixels = np.asarray(part)
    return _toned(pixels[:, ::-1] if random.random() < 0.5 else pixels, random)


def _object(picture: Pixels, side: int, random: np.random.Generator) -> Pixels:
    image = Image.fromarray(picture[:, ::-1] if random.random() < 0.5 else picture)
    image = image.resize((side, side), Image.Resampling.BICUBIC)
    if random.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(side / 64))
    return _toned(np.asarray(image), random)


def _toned(pixels: Pixels, random: np.random.Generator) -> Pixels:
    contrast, brightness = random.uniform(0.6, 1.3), random.uniform(-30, 30)
    tint = random.uniform(-10, 10, 3)
    moved = (pixels.astype(np.float32) - 128) * contrast + 128 + brightness + tint
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


@lru_cache(maxsize=512)
def _shape(side: int, kind: int) -> NDArray[np.bool_]:
    """Which pixels of its square an object has: a disc, a rounded square, a rhombus of curved sides, or a capsule."""
    across = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.abs(np.meshgrid(across, across))
    if kind == 3:
        return np.asarray(np.hypot(x / 0.72, np.maximum(y - 0.28, 0) / 0.72) <= 1)
    power = (2.0, 5.0, 1.35)[kind]
    return np.asarray(x**power + y**power <= 1)


def write(pictures: Pictures, folder: Path, count: int, first_seed: int) -> None:
    """Scenes as a COCO file ``scenes.json``, ``images/``, and ``masks/`` of class indices.

    Args:
        first_seed: of the first scene; those of tests lie apart from those of training.
    """
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(count):
        found = scene(pictures, first_seed + number)
        name = f"{number:05d}.png"
        Image.fromarray(found.pixels).save(folder / "images" / name)
        Image.fromarray(found.mask).save(folder / "masks" / name)
        images.append({"id": number, "file_name": f"images/{name}", "width": SIZE, "height": SIZE})
        for corners, kind in zip(found.corners.tolist(), found.classes.tolist(), strict=True):
            left, top, right, bottom = corners
            sides = [right - left, bottom - top]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": kind,
                    "bbox": [left, top, *sides],
                    "area": sides[0] * sides[1],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": place, "name": name} for place, name in enumerate(pictures.names)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "scenes.json").write_text(json.dumps(document), encoding="utf-8")
