"""Depth maps: ``images/`` and ``depth/`` with files of the same names, .npy or images of 16 bits."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.data.settings.task import Resize
from exporter.datasets.dataset import Dataset, digest_files
from exporter.datasets.examples.pictures import annotated, images_in, pictures, same_size, twins
from exporter.datasets.files.numpy_files import read_array
from exporter.datasets.fitting import fit_into, placed
from exporter.datasets.images import opened_image, upright_size
from exporter.datasets.kind import Wanted, image_input
from exporter.execution.heavy import load

_SUFFIXES = {".npy", ".png", ".tif", ".tiff"}


def open_data(given: str, wanted: Wanted) -> Dataset:
    """Images with depths: of .npy in the unit of the outputs, of 16 bits in steps of ``depth_scale``, 0 not known.

    Raises:
        UsageProblem: an image has no depth; when one is read, it is of another size or form.
    """
    root = Path(given)
    paths = images_in(root / "images")
    maps = twins(paths, root / "images", root / "depth", _SUFFIXES)
    scale = wanted.settings.depth_scale
    truths = partial(_truth, paths, maps, image_input(given, wanted), wanted.resize, scale)
    said = f"{digest_files(maps, root, None, ())} {scale}"
    return annotated(pictures(given, paths, root, wanted), "depth", truths, said)


def _truth(
    paths: Sequence[Path], maps: Sequence[Path], spec: InputSpec, resize: Resize, scale: float, index: int
) -> NDArray[np.float32]:
    depth = _array(maps[index]) if maps[index].suffix.lower() == ".npy" else _steps(maps[index], scale)
    size = upright_size(paths[index])
    same_size(maps[index], (depth.shape[1], depth.shape[0]), paths[index], size)
    height, width = spec.height_width
    fit = fit_into(size, spec, resize)
    # Between near and far lies nothing: depths are not mixed.
    fitted = placed(load("PIL.Image").fromarray(depth), fit, (width, height), "NEAREST", np.nan)
    return np.asarray(fitted, np.float32)


def _array(path: Path) -> NDArray[np.float32]:
    found = read_array(path)
    squeezed = np.squeeze(found)
    if squeezed.ndim != 2 or squeezed.dtype.kind not in "fiu":
        raise UsageProblem(f"data {path} has the shape {list(found.shape)} of {found.dtype}, not height and width.")
    depth: NDArray[np.float32] = squeezed.astype(np.float32)
    depth[~np.isfinite(depth)] = np.nan
    return depth


def _steps(path: Path, scale: float) -> NDArray[np.float32]:
    with opened_image(path) as opened:
        if opened.mode != "I" and not opened.mode.startswith("I;16"):
            raise UsageProblem(f"data {path} is an image in {opened.mode}; depths are .npy or gray of 16 bits.")
        steps = np.array(opened, np.float32)
    steps[steps > 0] *= scale
    steps[steps == 0] = np.nan
    return steps
