"""Super-resolution: an image, and how near it is to the right one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Fit, TruthKind
from exporter.execution.heavy import load, load_torch
from exporter.tasks.outputs import channels_last, output_of_rank
from exporter.tasks.sums import Sums, ratio
from exporter.tasks.super_resolution.settings import SuperResolution
from exporter.tasks.task import Figures, Metric, Reader

Image = NDArray[np.float64]

MOST_PSNR = 100.0
"""In dB, of images that are equal, whose ratio has no end."""

LEAST_SIDE = 11
"""Of an image that has a structural similarity: the library's window."""

LUMA = np.array([65.481, 128.553, 24.966]) / 255
"""ITU-R BT.601, of RGB in [0, 1]; 16 / 255 is added."""


@dataclass(frozen=True)
class SuperResolutionTask:
    """Implements `Task`; predictions and truths are float64 (height, width, channels) in [0, 1]."""

    name = "super_resolution"
    truths: tuple[TruthKind, ...] = ("image",)
    holds_source = False

    def metrics(self, settings: SuperResolution, against: Against) -> tuple[Metric, ...]:
        """PSNR with labels alone: that of the source against itself has no end, so that no loss is known of it."""
        found = (
            Metric("ssim", "SSIM", "%", "ssim_drop_points"),
            Metric("pixel_error", "mean pixel error", "%", "pixel_error_rise_points", higher_is_better=False),
        )
        return (Metric("psnr", "PSNR", "dB", "psnr_drop_db"), *found) if against == "labels" else found

    def reader(self, settings: SuperResolution, description: SourceDescription) -> Reader:
        """Reads one output of images.

        Raises:
            UsageProblem: there is no such output, or it is no image, or has no RGB for a luma.
        """
        wanted = "images (N, C, H, W), or (N, H, W, C) where the input is so"
        place = output_of_rank(description, settings.output, self.name, (4,), wanted)
        axis = 3 if channels_last(description) else 1
        channels = description.output_shapes[place][axis]
        if settings.luma and channels != 3:
            raise UsageProblem(
                f"[model.task] super_resolution: luma = true needs RGB, and output {description.outputs[place]} is "
                f"{list(description.output_shapes[place])}, with {channels} channels. Leave luma out."
            )
        return partial(_images, place, axis, settings.peak)

    def as_truth(self, settings: SuperResolution, prediction: Image, label: Any = None) -> Image:
        """The label, or the source's image."""
        return prediction if label is None else np.asarray(label, np.float64)

    def tally(self, settings: SuperResolution, classes: Sequence[str]) -> "ImageErrors":
        """Of no image yet."""
        return ImageErrors(settings)


def _images(
    place: int, axis: int, peak: float, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]
) -> list[Image]:
    given = np.moveaxis(np.asarray(outputs[place], np.float64), axis, 3)
    return list(np.clip(given / peak, 0, 1))


@dataclass
class ImageErrors:
    """Errors of each image."""

    settings: SuperResolution
    sums: Sums = field(default_factory=Sums)

    def add(self, prediction: Image, truth: Image) -> None:
        """Take in one image.

        Raises:
            UsageProblem: the images have other sizes.
        """
        wanted = truth[..., None] if truth.ndim == 2 else truth
        if prediction.shape != wanted.shape:
            raise UsageProblem(
                f"super_resolution: the output is {list(prediction.shape)} and the labels are {list(truth.shape)} "
                "(height, width, channels); give labels of the output's size."
            )
        pair = self._counted(prediction), self._counted(wanted)
        similarity = _ssim(*pair)
        self.sums.add([1, _psnr(*pair), np.abs(pair[0] - pair[1]).mean(), similarity is not None, similarity or 0.0])

    def _counted(self, image: Image) -> Image:
        border = self.settings.crop_border
        inside = image[border : image.shape[0] - border, border : image.shape[1] - border]
        if not inside.size:
            raise UsageProblem(
                f"[model.task] super_resolution: crop_border = {border} leaves nothing of an image of "
                f"{image.shape[1]} x {image.shape[0]} pixels."
            )
        return (inside @ LUMA + 16 / 255)[..., None] if self.settings.luma else inside

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``psnr``, ``ssim`` and ``pixel_error``, the mean over images of each; SSIM of those it can be told of."""
        images, decibels, off, judged, similarity = self.sums.of(sample)
        values = {
            "psnr": ratio(decibels, images),
            "ssim": ratio(similarity, judged),
            "pixel_error": ratio(off, images),
        }
        return Figures(values)


def _psnr(given: Image, wanted: Image) -> float:
    error = float(((given - wanted) ** 2).mean())
    return float(np.minimum(MOST_PSNR, -10 * np.log10(error))) if error != 0 else MOST_PSNR


def _ssim(given: Image, wanted: Image) -> float | None:
    """Structural similarity (Wang et al. 2004, window of 11 and sigma of 1.5); None of images that are too small."""
    if min(given.shape[:2]) < LEAST_SIDE:
        return None
    torch, images = load_torch(), load("torchmetrics.functional.image")
    pair = (torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, 2, 0)[None])) for image in (given, wanted))
    return float(images.structural_similarity_index_measure(*pair, data_range=1.0))


TASK = SuperResolutionTask()
