"""Pairs of images: ``inputs/`` and what a model shall make of them, ``targets/``, as large or some times as large."""

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
from exporter.datasets.examples.pictures import annotated, images_in, pictures, twins
from exporter.datasets.fitting import Size, fit_into, placed
from exporter.datasets.images import BARS, SUFFIXES, decoded, upright_size
from exporter.datasets.kind import Wanted, image_input


def open_data(given: str, wanted: Wanted) -> Dataset:
    """Images with images, which are fitted as their inputs are.

    Raises:
        UsageProblem: an input has no target; when one is read, it is not a whole number of times as large.
    """
    root = Path(given)
    paths = images_in(root / "inputs")
    targets = twins(paths, root / "inputs", root / "targets", SUFFIXES)
    truths = partial(_truth, paths, targets, image_input(given, wanted), wanted.resize)
    said = digest_files(targets, root, None, ())
    return annotated(pictures(given, paths, root, wanted), "image", truths, said)


def _truth(
    paths: Sequence[Path], targets: Sequence[Path], spec: InputSpec, resize: Resize, index: int
) -> NDArray[np.float32]:
    assert spec.image is not None
    target = decoded(targets[index], "L" if spec.image.color == "GRAY" else "RGB")
    size = upright_size(paths[index])
    times = _times(targets[index], target.size, paths[index], size)
    height, width = spec.height_width
    fitted = placed(target, fit_into(size, spec, resize), (width, height), "BILINEAR", BARS, times)
    pixels: NDArray[Any] = np.asarray(fitted).reshape(height * times, width * times, -1)
    pixels = pixels[:, :, ::-1] if spec.image.color == "BGR" else pixels
    return np.ascontiguousarray(pixels, np.float32) / np.float32(255)


def _times(path: Path, target: Size, input_path: Path, size: Size) -> int:
    times = target[0] // size[0]
    if times < 1 or target != (size[0] * times, size[1] * times):
        raise UsageProblem(
            f"data {path} is {target[0]}x{target[1]}, not a whole number of times as large as its input "
            f"{input_path.name} of {size[0]}x{size[1]}."
        )
    return times
