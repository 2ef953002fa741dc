"""Examples that are images in files of their own, and what is true of them."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.data.settings.task import Resize
from exporter.datasets.dataset import Dataset, digest_files, hash_text
from exporter.datasets.fitting import Size
from exporter.datasets.images import DECODING, SUFFIXES, fit_of, normalize, read_image, whole_pixels
from exporter.datasets.kind import Wanted, image_input
from exporter.datasets.truths import Fit, TruthKind


def images_in(folder: Path) -> list[Path]:
    """Images at any depth, sorted.

    Raises:
        UsageProblem: there are none.
    """
    try:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise UsageProblem(f"data {folder}: {error.strerror}.") from error
    if not paths:
        raise UsageProblem(f"data {folder} has no images ({', '.join(sorted(SUFFIXES))}).")
    return paths


def twins(images: Sequence[Path], folder: Path, other: Path, suffixes: Collection[str]) -> list[Path]:
    """The file of another folder that belongs to each image: of the same place and name but for its suffix.

    Raises:
        UsageProblem: an image has none.
    """
    found = {
        path.relative_to(other).with_suffix(""): path
        for path in sorted(other.rglob("*"))
        if path.suffix.lower() in suffixes
    }
    alone = [path for path in images if path.relative_to(folder).with_suffix("") not in found]
    if alone:
        raise UsageProblem(
            f"data {folder.parent}: {len(alone)} of {len(images)} images have no file of their name in {other.name}/, "
            f"the first is {alone[0]}."
        )
    return [found[path.relative_to(folder).with_suffix("")] for path in images]


def same_size(path: Path, size: Size, image: Path, image_size: Size) -> None:
    """Refuse what lies on an image and is of another size."""
    if size != image_size:
        raise UsageProblem(
            f"data {path} is {size[0]}x{size[1]}; its image {image.name}, turned as its EXIF orientation says, is "
            f"{image_size[0]}x{image_size[1]}."
        )


def pictures(
    name: str, paths: Sequence[Path], root: Path, wanted: Wanted, labels: tuple[int, ...] | None = None
) -> Dataset:
    """Images, read when they are asked for.

    Args:
        name: of the data, for messages.
        root: their names in the digest are relative to it.

    Raises:
        UsageProblem: the model takes something else, or an image cannot be read.
    """
    spec, files = image_input(name, wanted), tuple(paths)
    # How an image of another size is fitted decides what the model sees.
    digest = hash_text(f"{DECODING} {wanted.resize} {digest_files(paths, root, labels, wanted.inputs)}")
    return Dataset(
        name,
        digest,
        len(files),
        partial(_read, files, spec, wanted.resize),
        labels,
        files,
        spec.shape[0],
        pixels=True,
        fit=partial(_fit, files, spec, wanted.resize),
    )


def annotated(
    data: Dataset,
    kind: TruthKind,
    truths: Callable[[int], Any],
    said: str,
    class_names: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Dataset:
    """The same examples with what is true of them.

    Args:
        said: digest of what the truths are made of.
    """
    return dataclasses.replace(
        data,
        digest=hash_text(f"{data.digest} {kind} {said} {list(class_names)}"),
        truth_kind=kind,
        truths=truths,
        class_names=tuple(class_names),
        notes=(*data.notes, *notes),
    )


def as_pictures(data: Dataset, inputs: Sequence[InputSpec]) -> Dataset:
    """The same examples as an image input can hold them: whole pixels from 0 to 255."""
    if data.pixels:
        return data

    def rounded(value: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
        if spec.image is None:
            return value
        return whole_pixels(value[None], spec)[0] if data.stacked else whole_pixels(value, spec)

    def read(index: int) -> tuple[NDArray[Any], ...]:
        return tuple(rounded(value, spec) for value, spec in zip(data.read(index), inputs, strict=True))

    return dataclasses.replace(data, digest=f"{data.digest}-pixels", read=read, pixels=True)


def _read(paths: tuple[Path, ...], spec: InputSpec, resize: Resize, index: int) -> tuple[NDArray[np.float32], ...]:
    return (normalize(read_image(paths[index], spec, resize), spec),)


def _fit(paths: tuple[Path, ...], spec: InputSpec, resize: Resize, index: int) -> Fit:
    return fit_of(paths[index], spec, resize)
