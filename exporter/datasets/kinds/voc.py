"""Pascal VOC: ``Annotations/*.xml`` and ``JPEGImages/``.

Source: Everingham and Winn, "The PASCAL Visual Object Classes Challenge 2012 Development Kit", section "Annotation".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.datasets.annotations.classes import class_places
from exporter.datasets.annotations.objects import file_size, refuse_nothing
from exporter.datasets.dataset import Dataset, hash_text
from exporter.datasets.examples.pictures import annotated, pictures
from exporter.datasets.files.outlines import is_outside
from exporter.datasets.files.xml import Node, read_xml
from exporter.datasets.kind import Wanted
from exporter.datasets.truths import Boxes
from exporter.store.given import given_digest

_SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class _Object:
    """An object.

    Attributes:
        corners: left, top, right, bottom, from the outer edge of the first pixel.
    """

    name: str
    corners: tuple[float, ...]
    difficult: bool


@dataclass(frozen=True)
class _Image:
    """An image and what is on it; the size is None where its file does not say it."""

    where: str
    path: Path
    size: tuple[int, int] | None
    objects: tuple[_Object, ...]


def open_data(given: str, wanted: Wanted) -> Dataset:
    """The images that have an annotation. Objects marked as difficult do not count, as crowds do not.

    Raises:
        UsageProblem: a file or a line of it is wrong.
    """
    root = Path(given)
    files = sorted((root / "Annotations").glob("*.xml"))
    if not files:
        raise UsageProblem(f"data {given}: Annotations/ has no .xml files.")
    images = [_image(root, file) for file in files]
    refuse_nothing(given, [image.objects for image in images])
    order = sorted({item.name for image in images for item in image.objects})
    places, class_names = class_places(order, wanted, given, "names")
    truths = partial(_truth, images, dict(zip(order, places, strict=True)))
    data = pictures(given, [image.path for image in images], root, wanted)
    return annotated(data, "boxes", truths, hash_text("".join(map(given_digest, files))), class_names)


def _image(root: Path, file: Path) -> _Image:
    tree = read_xml(file)
    if tree.tag != "annotation":
        raise UsageProblem(f"data {file}, line {tree.line}: <{tree.tag}>, where <annotation> is needed.")
    named = tree.find("filename")
    names = [named.text.strip()] if named else []
    choices = [root / "JPEGImages" / name for name in (*names, f"{file.stem}.jpg", f"{file.stem}.png") if name]
    path = next((choice for choice in choices if choice.is_file()), None)
    if path is None:
        line = f", line {named.line}" if named else ""
        raise UsageProblem(f"data {file}{line}: there is no image {choices[0]}.")
    size = _size(file, tree)
    return _Image(str(file), path, size, tuple(_object(file, node, size) for node in tree.all("object")))


def _size(file: Path, tree: Node) -> tuple[int, int] | None:
    node = tree.find("size")
    if node is None:
        return None
    width, height = (round(_number(file, node, name)) for name in ("width", "height"))
    return (width, height) if width > 0 and height > 0 else None  # some tools write 0 where they do not know


def _object(file: Path, node: Node, size: tuple[int, int] | None) -> _Object:
    name, box = node.find("name"), node.find("bndbox")
    if name is None or not name.text.strip():
        raise UsageProblem(f"data {file}, line {node.line}: an object has no name.")
    if box is None:
        raise UsageProblem(f"data {file}, line {node.line}: an object has no bndbox.")
    left, top, right, bottom = (_number(file, box, side) for side in _SIDES)
    # Pixels count from 1, and the last one belongs to the box.
    corners = (left - 1, top - 1, right, bottom)
    if not right >= left or not bottom >= top:
        raise UsageProblem(f"data {file}, line {box.line}: a box from {left:g}, {top:g} to {right:g}, {bottom:g}.")
    if size and is_outside(corners[::2], corners[1::2], *size):
        raise UsageProblem(
            f"data {file}, line {box.line}: the box from {left:g}, {top:g} to {right:g}, {bottom:g} lies outside of "
            f"the image, which is {size[0]}x{size[1]}."
        )
    difficult = node.find("difficult")
    return _Object(name.text.strip(), corners, difficult is not None and difficult.text.strip() == "1")


def _number(file: Path, node: Node, name: str) -> float:
    found = node.find(name)
    try:
        value = float("" if found is None else found.text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        line = node.line if found is None else found.line
        raise UsageProblem(f"data {file}, line {line}: <{node.tag}> has no number as <{name}>.")
    return value


def _truth(images: Sequence[_Image], classes: Mapping[str, int], index: int) -> Boxes:
    image = images[index]
    file_size(image.path, image.size, image.where)
    return Boxes.of(
        [item.corners for item in image.objects],
        [classes[item.name] for item in image.objects],
        crowd=[item.difficult for item in image.objects],
    )
