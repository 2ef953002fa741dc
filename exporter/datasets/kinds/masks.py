"""Masks as images: ``images/`` and ``masks/`` with files of the same names, a class index a pixel."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.data.settings.task import Resize
from exporter.datasets.dataset import Dataset, digest_files
from exporter.datasets.examples.pictures import annotated, images_in, pictures, same_size, twins
from exporter.datasets.fitting import fit_into, placed
from exporter.datasets.images import SUFFIXES, opened_image, upright_size
from exporter.datasets.kind import Wanted, image_input
from exporter.execution.heavy import load

LEFT_OUT = 255
"""Class of pixels that do not count, where the task does not say another (Pascal VOC)."""

_INDICES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")
"""Modes of PIL whose pixels are single whole numbers."""


def open_data(given: str, wanted: Wanted) -> Dataset:
    """Images with masks of gray levels or palette indices that are classes.

    Raises:
        UsageProblem: an image has no mask; when a mask is read, it is of another size, in color, or has a class that
            the model has no name for.
    """
    root = Path(given)
    paths = images_in(root / "images")
    masks = twins(paths, root / "images", root / "masks", SUFFIXES)
    ignored = int(getattr(wanted.settings.task, "ignore", LEFT_OUT))
    spec = image_input(given, wanted)
    truths = partial(_truth, paths, masks, spec, wanted.resize, len(wanted.class_names), ignored)
    said = f"{digest_files(masks, root, None, ())} {ignored}"
    return annotated(pictures(given, paths, root, wanted), "classes_map", truths, said, wanted.class_names)


def _truth(
    paths: Sequence[Path],
    masks: Sequence[Path],
    spec: InputSpec,
    resize: Resize,
    classes: int,
    ignored: int,
    index: int,
) -> NDArray[np.int64]:
    mask = _indices(masks[index])
    size = upright_size(paths[index])
    same_size(masks[index], (mask.shape[1], mask.shape[0]), paths[index], size)
    beyond = np.unique(mask[(mask >= classes) & (mask != ignored)]) if classes else []
    if len(beyond):
        raise UsageProblem(
            f"data {masks[index]} has the class {beyond[0]}; the model has {classes}, and {ignored} does not count."
        )
    height, width = spec.height_width
    image = load("PIL.Image").fromarray(mask.astype(np.int32))
    fitted = placed(image, fit_into(size, spec, resize), (width, height), "NEAREST", ignored)
    return np.asarray(fitted, np.int64)


def _indices(path: Path) -> NDArray[Any]:
    """Classes as they are stored."""
    with opened_image(path) as opened:
        if opened.mode not in _INDICES:
            raise UsageProblem(
                f"data {path} is a mask in {opened.mode}; save it with a palette or in gray, a class index a pixel."
            )
        return np.asarray(load("PIL.ImageOps").exif_transpose(opened))
