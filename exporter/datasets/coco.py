"""COCO annotation files: images, and the boxes of what is on them.

Source: https://cocodataset.org/#format-data.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.datasets.truths import Boxes


@dataclass(frozen=True)
class CocoFile:
    """What a file says.

    Attributes:
        paths: of the images, in the order of the file.
        boxes: of each image; classes count the categories in the order of their ids.
        names: of the classes.
    """

    paths: tuple[Path, ...]
    boxes: tuple[Boxes, ...]
    names: tuple[str, ...]


def read_coco(path: Path) -> CocoFile:
    """The images and objects of an annotation file; images lie beside it, or in the folder that names it.

    Raises:
        UsageProblem: it is no such file, an image is not there, or an annotation is wrong; its place is named.
    """
    tables = _tables(path)
    images = {_number(path, f"images[{place}]", item, "id"): item for place, item in enumerate(tables["images"])}
    if len(images) < len(tables["images"]):
        raise UsageProblem(f"data {path}: two images have the same id.")
    categories = {
        _number(path, f"categories[{place}]", item, "id"): str(item.get("name", ""))
        for place, item in enumerate(tables["categories"])
    }
    classes = {number: place for place, number in enumerate(sorted(categories))}
    objects: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for place, item in enumerate(tables["annotations"]):
        where = f"annotations[{place}]"
        image = _number(path, where, item, "image_id")
        if image not in images:
            raise UsageProblem(f"data {path}, {where}: there is no image {image}.")
        _check_object(path, where, item, images[image], classes)
        objects[image].append(item)
    return CocoFile(
        tuple(_image_path(path, item) for item in images.values()),
        tuple(_boxes(objects[number], classes) for number in images),
        tuple(categories[number] for number in sorted(categories)),
    )


def _tables(path: Path) -> dict[str, list[Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"data {path} cannot be read: {error}.") from error
    except json.JSONDecodeError as error:
        raise UsageProblem(f"data {path}, line {error.lineno}: {error.msg}.") from error
    tables = {name: found.get(name) if isinstance(found, dict) else None for name in _TABLES}
    missing = [name for name, value in tables.items() if not isinstance(value, list)]
    if missing:
        raise UsageProblem(
            f"data {path}: a COCO file has lists {', '.join(_TABLES)}; there is no {', '.join(missing)}."
        )
    if not tables["images"]:
        raise UsageProblem(f"data {path} has no images.")
    return {name: list(value or ()) for name, value in tables.items()}


_TABLES = ("images", "annotations", "categories")


def _number(path: Path, where: str, item: Any, key: str) -> int:
    value = item.get(key) if isinstance(item, dict) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageProblem(f"data {path}, {where}: {key} is {value!r}, not a whole number.")
    return value


def _check_object(
    path: Path, where: str, item: Mapping[str, Any], image: Mapping[str, Any], classes: Mapping[int, int]
) -> None:
    category = _number(path, where, item, "category_id")
    if category not in classes:
        raise UsageProblem(f"data {path}, {where}: there is no category {category}.")
    box = item.get("bbox")
    if not _is_box(box):
        raise UsageProblem(f"data {path}, {where}: bbox is {box!r}, not [left, top, width, height] of a size above 0.")
    width, height = image.get("width"), image.get("height")
    if isinstance(box, list) and isinstance(width, int) and isinstance(height, int) and _is_outside(box, width, height):
        raise UsageProblem(
            f"data {path}, {where}: bbox {box} lies outside of image {item['image_id']}, which is {width}x{height}."
        )


def _is_box(box: Any) -> bool:
    numbers = isinstance(box, list) and len(box) == 4 and all(isinstance(value, int | float) for value in box)
    return numbers and all(map(math.isfinite, box)) and box[2] > 0 and box[3] > 0


def _is_outside(box: Sequence[float], width: int, height: int) -> bool:
    """Further than a pixel, which rounding explains."""
    return box[0] < -1 or box[1] < -1 or box[0] + box[2] > width + 1 or box[1] + box[3] > height + 1


def _image_path(path: Path, item: Mapping[str, Any]) -> Path:
    name = str(item.get("file_name", ""))
    for folder in (path.parent, path.parent / path.stem, path.parent / path.stem.removeprefix("instances_")):
        if name and (folder / name).is_file():
            return folder / name
    raise UsageProblem(f"data {path}: image {name!r} is neither beside it nor in {path.stem}/.")


def _boxes(objects: Sequence[Mapping[str, Any]], classes: Mapping[int, int]) -> Boxes:
    corners = [(left, top, left + width, top + height) for left, top, width, height in (one["bbox"] for one in objects)]
    return Boxes.of(
        corners,
        [classes[one["category_id"]] for one in objects],
        crowd=[bool(one.get("iscrowd", 0)) for one in objects],
        areas=[float(one.get("area", one["bbox"][2] * one["bbox"][3])) for one in objects],
    )
