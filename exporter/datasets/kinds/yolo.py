"""YOLO text files: ``images/`` and ``labels/``, a line an object, in shares of the image.

Source: https://docs.ultralytics.com/datasets/detect/, ``segment/`` and ``pose/``.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.datasets.annotations.classes import class_places, unused_note
from exporter.datasets.annotations.objects import instances, poses, refuse_nothing
from exporter.datasets.dataset import Dataset, hash_text
from exporter.datasets.examples.pictures import annotated, images_in, pictures
from exporter.datasets.files.documents import read_yaml
from exporter.datasets.files.outlines import mask_of
from exporter.datasets.files.yolo_lines import YoloObject, parse_line
from exporter.datasets.images import upright_size
from exporter.datasets.kind import Wanted
from exporter.datasets.truths import Boxes, Instances, Poses, TruthKind
from exporter.store.given import given_text


def open_data(given: str, wanted: Wanted) -> Dataset:
    """All images of a folder of ``images/`` and ``labels/``; or those of the split ``val`` of a ``data.yaml``.

    Raises:
        UsageProblem: an image has no twin, or a line is wrong; file and line are named.
    """
    root, said = _said(Path(given))
    names = _names(root, said)
    paths = images_in(root / "images") if (root / "images").is_dir() and Path(given).is_dir() else _split(given, said)
    kind, shape = wanted.chosen("boxes", "instances", "poses"), _point_shape(given, said)
    if kind == "poses" and shape is None:
        raise UsageProblem(f"data {given}: its data.yaml says no kpt_shape: [points, 2 or 3], which poses need.")
    classes = len(names) or len(wanted.class_names)
    texts = [_label_text(path) for path in paths]
    objects = [
        tuple(_objects(_label_path(path), text, classes, shape, kind)) for path, text in zip(paths, texts, strict=True)
    ]
    refuse_nothing(given, objects)
    places, class_names = class_places(names, wanted, given, "names") if names else ((), wanted.class_names)
    used = {places[item.place] if places else item.place for one in objects for item in one}
    notes = unused_note(given, class_names, used) if class_names != wanted.class_names else ()
    truths = partial(_truth, kind, tuple(paths), objects, places, shape)
    digest = hash_text("\0".join([*texts, str(said)]))
    return annotated(pictures(given, paths, root, wanted), kind, truths, digest, class_names, notes)


def _said(path: Path) -> tuple[Path, Mapping[str, Any]]:
    """The folder of the data, and what its data.yaml says."""
    if not path.is_dir():
        return path.parent, read_yaml(path)
    file = path / "data.yaml"
    return path, read_yaml(file) if file.is_file() else {}


def _names(root: Path, said: Mapping[str, Any]) -> list[str]:
    names = said.get("names", [])
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[place] for place in range(len(names))]
    if not isinstance(names, list):
        raise UsageProblem(f"data {root}: names in its data.yaml are neither a list nor numbered from 0.")
    return list(map(str, names))


def _split(given: str, said: Mapping[str, Any]) -> list[Path]:
    """Images of ``val``; of what there is where there is no such split."""
    file = Path(given) / "data.yaml" if Path(given).is_dir() else Path(given)
    split = next((name for name in ("val", "test", "train") if said.get(name)), None)
    if split is None:
        raise UsageProblem(f"data {file} says no val: where images lie.")
    base = file.parent / str(said.get("path", ""))
    folders = said[split] if isinstance(said[split], list) else [said[split]]
    found = []
    for name in map(str, folders):
        # A split is under `path`, or beside the file, as exports of other programs have it with `../` too many.
        places = [base / name, file.parent / name, file.parent / name.removeprefix("../")]
        place = next((place for place in places if place.exists()), None)
        if place is None:
            raise UsageProblem(f"data {file}, {split}: there is no {base / name}.")
        found += images_in(place) if place.is_dir() else _listed(place)
    return found


def _listed(path: Path) -> list[Path]:
    """Images that a text file names, one a line, relative to it."""
    found = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip():
            found.append(path.parent / line.strip())
            if not found[-1].is_file():
                raise UsageProblem(f"data {path}, line {number}: there is no image {found[-1]}.")
    if not found:
        raise UsageProblem(f"data {path} names no images.")
    return found


def _text(path: Path) -> str:
    return given_text(path, advice="save it as UTF-8", called=f"data {path}")


def _point_shape(given: str, said: Mapping[str, Any]) -> tuple[int, int] | None:
    shape = said.get("kpt_shape")
    if shape is None:
        return None
    if not isinstance(shape, list) or len(shape) != 2 or not isinstance(shape[0], int) or shape[1] not in (2, 3):
        raise UsageProblem(f"data {given}: kpt_shape is {shape!r}, not [points, 2 or 3].")
    return shape[0], shape[1]


def _label_path(image: Path) -> Path:
    """``labels/`` for the last ``images/`` in its path."""
    parts = list(image.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _label_text(image: Path) -> str:
    """The lines of an image; none where it has no file, which says that nothing is on it."""
    path = _label_path(image)
    return _text(path) if path.is_file() else ""


def _objects(path: Path, text: str, classes: int, shape: tuple[int, int] | None, kind: TruthKind) -> list[YoloObject]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(parse_line(line, classes, shape, kind == "instances"))
        except ValueError as error:
            raise UsageProblem(f"data {path}, line {number}: {error}.") from error
    return found


def _truth(
    kind: TruthKind,
    paths: Sequence[Path],
    objects: Sequence[Sequence[YoloObject]],
    places: Sequence[int],
    shape: tuple[int, int] | None,
    index: int,
) -> Boxes | Instances | Poses:
    width, height = upright_size(paths[index])
    found = objects[index]
    corners = [[value * side for value, side in zip(item.box, (width, height) * 2, strict=True)] for item in found]
    boxes = Boxes.of(corners, [places[item.place] if places else item.place for item in found])
    if kind == "poses":
        assert shape is not None
        scaled = [_scaled(item.points, (width, height, 1)) for item in found]
        return poses(boxes, scaled, shape[0])
    if kind == "instances":
        outlines = [_scaled(item.outline, (width, height)) for item in found]
        return instances(boxes, [mask_of([outline], height, width) for outline in outlines], (width, height))
    return boxes


def _scaled(values: Sequence[float], factors: Sequence[float]) -> list[float]:
    return [value * factors[place % len(factors)] for place, value in enumerate(values)]
