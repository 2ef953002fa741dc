"""COCO annotation files: images, and the boxes, outlines or points of what is on them.

Source: https://cocodataset.org/#format-data.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.datasets.annotations.classes import class_places, unused_note
from exporter.datasets.annotations.objects import file_size, instances, poses, refuse_nothing
from exporter.datasets.dataset import Dataset
from exporter.datasets.examples.pictures import annotated, pictures
from exporter.datasets.files.documents import read_json
from exporter.datasets.files.outlines import is_outside, mask_of, outline_problem
from exporter.datasets.kind import Wanted
from exporter.datasets.truths import Boxes, Instances, Poses, TruthKind
from exporter.store.given import given_digest

_Object = Mapping[str, Any]
_MOST = 1e12
"""Beyond every coordinate and area; NaN and infinity are not below it either."""

_TABLES = ("images", "annotations", "categories")


@dataclass(frozen=True)
class _Image:
    """An image and what is on it.

    Attributes:
        where: its place in the file.
        size: width and height that the file says; None where it does not.
    """

    where: str
    path: Path
    size: tuple[int, int] | None
    objects: tuple[_Object, ...]


def open_data(given: str, wanted: Wanted) -> Dataset:
    """The images of an annotation file, which lie beside it or where COCO has them.

    Raises:
        UsageProblem: it is no such file, an image is not there, or an annotation is wrong; its place is named.
    """
    path = Path(given)
    tables = _tables(path)
    names = _categories(path, tables["categories"])
    kind = wanted.chosen("boxes", "instances", "poses")
    images = _images(path, tables, names, kind)
    refuse_nothing(given, [image.objects for image in images])
    places, class_names = class_places(list(names.values()), wanted, given, "categories")
    classes = dict(zip(names, places, strict=True))
    used = {classes[item["category_id"]] for image in images for item in image.objects}
    notes = unused_note(given, class_names, used) if class_names != wanted.class_names else ()
    truths = partial(_truth, kind, images, classes, _points(tables) or 0)
    data = pictures(given, [image.path for image in images], path.parent, wanted)
    return annotated(data, kind, truths, given_digest(path), class_names, notes)


def _tables(path: Path) -> dict[str, list[Any]]:
    found = read_json(path)
    tables = {name: found.get(name) if isinstance(found, dict) else None for name in _TABLES}
    missing = [name for name, value in tables.items() if not isinstance(value, list)]
    if missing:
        raise UsageProblem(
            f"data {path}: a COCO file has lists {', '.join(_TABLES)}; there is no {', '.join(missing)}."
        )
    if not tables["images"]:
        raise UsageProblem(f"data {path} has no images.")
    return {name: list(value or ()) for name, value in tables.items()}


def _categories(path: Path, items: Sequence[Any]) -> dict[int, str]:
    """Names by id, in the order of the ids."""
    ids = [_number(path, f"categories[{place}]", item, "id") for place, item in enumerate(items)]
    twice = next((number for number in ids if ids.count(number) > 1), None)
    if twice is not None:
        raise UsageProblem(f"data {path}: two categories have the id {twice}.")
    return {number: str(item.get("name", number)) for number, item in sorted(zip(ids, items, strict=True), key=_first)}


def _first(pair: tuple[int, Any]) -> int:
    return pair[0]


def _images(
    path: Path, tables: Mapping[str, Sequence[Any]], names: Mapping[int, str], kind: TruthKind
) -> tuple[_Image, ...]:
    places = {
        _number(path, f"images[{place}]", item, "id"): f"images[{place}]" for place, item in enumerate(tables["images"])
    }
    if len(places) < len(tables["images"]):
        raise UsageProblem(f"data {path}: two images have the same id.")
    items = dict(zip(places, tables["images"], strict=True))
    sizes = {number: _size(item) for number, item in items.items()}
    points = _points(tables)
    objects: dict[int, list[_Object]] = defaultdict(list)
    for place, item in enumerate(tables["annotations"]):
        where = f"annotations[{place}]"
        image = _number(path, where, item, "image_id")
        if image not in items:
            raise UsageProblem(f"data {path}, {where}: there is no image {image}.")
        category = _number(path, where, item, "category_id")
        problem = (
            _object_problem(item, sizes[image], kind, points)
            if category in names
            else f"there is no category {category}"
        )
        if problem:
            raise UsageProblem(f"data {path}, {where}: {problem}.")
        objects[image].append(item)
    return tuple(
        _Image(f"{path}, {places[number]}", _image_path(path, item), sizes[number], tuple(objects[number]))
        for number, item in items.items()
    )


def _number(path: Path, where: str, item: Any, key: str) -> int:
    value = item.get(key) if isinstance(item, dict) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageProblem(f"data {path}, {where}: {key} is {value!r}, not a whole number.")
    return value


def _size(item: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = item.get("width"), item.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None


def _points(tables: Mapping[str, Sequence[Any]]) -> int | None:
    """Points of an object, which is the number of the names that a category has for them."""
    lists = [item.get("keypoints") for item in tables["categories"]]
    return next((len(names) for names in lists if isinstance(names, list) and names), None)


def _object_problem(item: _Object, size: tuple[int, int] | None, kind: TruthKind, points: int | None) -> str:
    box = item.get("bbox")
    if not _is_box(box):
        return f"bbox is {box!r}, not [left, top, width, height] of a size above 0"
    assert isinstance(box, list)
    if size and is_outside((box[0], box[0] + box[2]), (box[1], box[1] + box[3]), *size):
        return f"bbox {box} lies outside of image {item['image_id']}, which is {size[0]}x{size[1]}"
    if kind == "instances":
        problem = outline_problem(item.get("segmentation"), *((None, None) if size is None else size[::-1]))
        return problem and f"segmentation {problem}"
    return _points_problem(item.get("keypoints"), size, points) if kind == "poses" else ""


def _is_box(box: Any) -> bool:
    numbers = isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))
    return numbers and box[2] > 0 and box[3] > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_MOST < value < _MOST


def _points_problem(found: Any, size: tuple[int, int] | None, points: int | None) -> str:
    if points is None:
        return "no category names its keypoints, which poses are measured by"
    if not isinstance(found, list) or len(found) != 3 * points or not all(map(_is_number, found)):
        return f"keypoints are not {points} times x, y, visibility"
    if not set(found[2::3]) <= {0, 1, 2}:
        return f"keypoints have visibilities {sorted(set(found[2::3]))}, not 0, 1 or 2"
    seen = [place for place in range(points) if found[3 * place + 2]]
    xs, ys = [found[3 * place] for place in seen], [found[3 * place + 1] for place in seen]
    return (
        f"keypoints lie outside of the image, which is {size[0]}x{size[1]}"
        if (seen and size and is_outside(xs, ys, *size))
        else ""
    )


def _image_path(path: Path, item: Mapping[str, Any]) -> Path:
    """Where an image lies: beside the file, in the folder of its name, or in COCO's ``val2017/`` beside its folder."""
    name, split = str(item.get("file_name", "")), path.stem.rpartition("_")[2]
    near = [folder for root in (path.parent, path.parent.parent) for folder in (root, root / split, root / "images")]
    for folder in (path.parent, path.parent / path.stem, *near, path.parent.parent / "images" / split):
        if name and (folder / name).is_file():
            return folder / name
    raise UsageProblem(
        f"data {path}: image {name!r} is neither beside it nor in {path.stem}/, {split}/, images/ or ../{split}/."
    )


def _truth(
    kind: TruthKind, images: Sequence[_Image], classes: Mapping[int, int], points: int, index: int
) -> Boxes | Instances | Poses:
    image = images[index]
    size = file_size(image.path, image.size, image.where)
    boxes = _boxes(image.objects, classes)
    if kind == "instances":
        masks = [mask_of(item["segmentation"], size[1], size[0]) for item in image.objects]
        return instances(boxes, masks, size)
    if kind == "poses":
        return poses(boxes, [item["keypoints"] for item in image.objects], points)
    return boxes


def _boxes(objects: Sequence[_Object], classes: Mapping[int, int]) -> Boxes:
    corners = [(left, top, left + width, top + height) for left, top, width, height in (one["bbox"] for one in objects)]
    return Boxes.of(
        corners,
        [classes[one["category_id"]] for one in objects],
        crowd=[bool(one.get("iscrowd", 0)) for one in objects],
        areas=[_area(one) for one in objects],
    )


def _area(item: _Object) -> float:
    return float(item["area"] if _is_number(item.get("area")) else item["bbox"][2] * item["bbox"][3])
