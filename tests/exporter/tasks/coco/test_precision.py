"""Average precision of a sample: protects that resampling without matching again gives what pycocotools gives."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from exporter.datasets.truths import Boxes
from exporter.tasks.coco.matching import Matching
from exporter.tasks.coco.tally import AveragePrecision, annotations

CLASSES = 3


def crowded(seed: int, images: int, digits: int = 1) -> tuple[list[Boxes], list[Boxes]]:
    """Objects, some of them crowds, and detections near some of them; with one digit, many scores are equal."""
    random = np.random.default_rng(seed)
    found, wanted = [], []
    for _ in range(images):
        count = int(random.integers(0, 5))
        corner, side = random.uniform(0, 60, (count, 2)), random.uniform(5, 40, (count, 2))
        corners = np.concatenate([corner, corner + side], 1)
        classes = random.integers(0, CLASSES, count)
        wanted.append(Boxes.of(corners, classes, crowd=random.random(count) < 0.15))
        near = np.repeat(corners, 2, 0) + random.normal(0, 3, (2 * count, 4))
        more = np.array([[1, 1, 20, 20], [30, 30, 50, 60]], float)
        scores = np.round(random.random(2 * count + 2), digits)
        named = np.concatenate([np.repeat(classes, 2), random.integers(0, CLASSES, 2)])
        found.append(Boxes.of(np.concatenate([near, more]), named, scores))
    return found, wanted


def library(found: list[Boxes], wanted: list[Boxes]) -> Any:
    """pycocotools' own precision of each class (thresholds, classes); -1 where there is nothing to find."""
    sets = []
    for images in (wanted, found):
        data = COCO()
        rows = [{**one, "image_id": place} for place, boxes in enumerate(images) for one in annotations(boxes)]
        data.dataset = {
            "images": [{"id": place} for place in range(len(images))],
            "categories": [{"id": place} for place in range(CLASSES)],
            "annotations": [{**row, "id": place + 1} for place, row in enumerate(rows)],
        }
        with contextlib.redirect_stdout(io.StringIO()):
            data.createIndex()
        sets.append(data)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(*sets, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    return np.where((precision == -1).all(1), np.nan, precision.mean(1))


def tallied(found: list[Boxes], wanted: list[Boxes]) -> AveragePrecision:
    tally = AveragePrecision(Matching("bbox", 100), CLASSES)
    for pair in zip(found, wanted, strict=True):
        tally.add(*map(annotations, pair))
    return tally


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_all_images_are_as_the_library_has_them(seed: int, images: int) -> None:
    found, wanted = crowded(seed, images)
    figures = tallied(found, wanted).figures(np.arange(images))
    expected = library(found, wanted)
    np.testing.assert_allclose(figures.classes["map"], expected.mean(0), atol=1e-9)
    np.testing.assert_allclose(figures.classes["map50"], expected[0], atol=1e-9)
    known = expected.mean(0)[np.isfinite(expected[0])]
    assert figures.values["map"] == pytest.approx(known.mean() if len(known) else np.nan, abs=1e-9, nan_ok=True)


@given(st.integers(0, 10_000), st.data())
def test_a_sample_is_as_the_library_has_a_data_set_of_its_images(seed: int, data: st.DataObject) -> None:
    """An image twice is two images. Equal scores within one would come in another order there, which decides."""
    found, wanted = crowded(seed, 6, digits=9)
    sample = sorted(data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=9)))
    figures = tallied(found, wanted).figures(np.array(sample))
    expected = library([found[place] for place in sample], [wanted[place] for place in sample])
    np.testing.assert_allclose(figures.classes["map"], expected.mean(0), atol=1e-9)


def test_torchmetrics_example() -> None:
    """Protects the figure that torchmetrics publishes (docstring of ``MeanAveragePrecision``, 1.9): 0.6 and 1.0."""
    found = Boxes.of([[258.0, 41.0, 606.0, 285.0]], [0], [0.536])
    wanted = Boxes.of([[214.0, 41.0, 562.0, 285.0]], [0])
    figures = tallied([found], [wanted]).figures(np.arange(1))
    assert figures.values["map"] == pytest.approx(0.6, abs=1e-6)
    assert figures.values["map50"] == pytest.approx(1.0, abs=1e-6)


def test_images_of_a_class_and_images_without_any_are_counted() -> None:
    nothing, one = Boxes.of([], []), Boxes.of([[0, 0, 9, 9]], [1])
    figures = tallied([nothing, nothing, one], [nothing, one, one]).figures(np.array([0, 0, 1, 2, 2]))
    assert figures.counts.tolist() == [0, 2, 0]
    assert figures.empty == 2
    assert np.isnan(figures.classes["map"][0])
