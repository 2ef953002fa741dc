"""Metrics on drawn examples: protects that sums over examples give what the libraries give of all at once."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torchmetrics.classification import (
    BinaryEER,
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassF1Score,
    MulticlassJaccardIndex,
)
from torchmetrics.functional.image import structural_similarity_index_measure
from torchmetrics.retrieval import RetrievalHitRate

from exporter.tasks.audio.equal_error import equal_error_rate
from exporter.tasks.embedding.verification import pairs
from exporter.tasks.segmentation.borders import band_width, borders
from tests.exporter.tasks.test_published import measured

SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.integers(2, 40))
def test_classification(seed: int, examples: int) -> None:
    random = np.random.default_rng(seed)
    logits, labels = random.normal(0, 3, (examples, 7)), random.integers(0, 7, examples)
    figures = measured({"kind": "classification"}, {"scores": logits}, labels.tolist())
    pair = torch.from_numpy(logits), torch.from_numpy(labels)
    top1, top5 = (float(MulticlassAccuracy(7, top_k=k, average="micro")(*pair)) for k in (1, 5))
    assert figures.values["top1"] == pytest.approx(top1, abs=1e-6)
    assert figures.values["top5"] == pytest.approx(top5, abs=1e-6)
    expected = MulticlassCalibrationError(7, n_bins=15, norm="l1")(pair[0].softmax(1), pair[1])
    assert figures.values["calibration"] == pytest.approx(float(expected), abs=1e-6)


@given(SEEDS, st.integers(1, 4))
def test_segmentation(seed: int, images: int) -> None:
    """Also with pixels that do not count, and classes that some images lack."""
    random = np.random.default_rng(seed)
    found, labels = random.integers(0, 4, (2, images, 9, 8))
    labels[random.random(labels.shape) < 0.1] = 255
    figures = measured({"kind": "segmentation"}, {"classes": found}, list(labels))
    expected = MulticlassJaccardIndex(4, ignore_index=255, average="macro")(
        torch.from_numpy(found), torch.from_numpy(labels)
    )
    assert figures.values["miou"] == pytest.approx(float(expected), abs=1e-6)


def eroded(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Pixels whose whole neighbourhood is in the mask, one by one; outside of the image nothing is."""
    padded, side = np.pad(mask, width), 2 * width + 1
    whole = [padded[tuple(slice(start, start + side) for start in place)].all() for place in np.ndindex(mask.shape)]
    return np.reshape(whole, mask.shape)


@given(SEEDS, st.integers(1, 3), st.booleans())
def test_borders_are_what_erosion_takes_away_of_each_class(seed: int, width: int, volume: bool) -> None:
    """The definition of Cheng et al. 2021, written out."""
    blocks = np.random.default_rng(seed).integers(0, 3, (2, 3, 2) if volume else (3, 4))
    classes = blocks.repeat(4, 0).repeat(5, 1)
    bands = [(classes == place) & ~eroded(classes == place, width) for place in range(3)]
    np.testing.assert_array_equal(borders(classes, width), np.any(bands, axis=0))


def test_boundary_iou_by_hand() -> None:
    """Two squares of 6 x 6 in 20 x 20 pixels, one moved by 1: bands of one pixel share parts of two sides."""
    wanted, found = np.zeros((2, 20, 20), np.int64)
    wanted[5:11, 5:11], found[5:11, 6:12] = 1, 1
    assert band_width((20, 20), 0.02) == 1
    figures = measured({"kind": "segmentation"}, {"classes": found[None]}, [wanted])
    bands = [(mask == 1) & ~eroded(mask == 1, 1) for mask in (wanted, found)]
    outer = [(mask == 0) & ~eroded(mask == 0, 1) for mask in (wanted, found)]
    expected = [(one & other).sum() / (one | other).sum() for one, other in (bands, outer)]
    assert expected[0] == 10 / 30
    assert figures.values["boundary_iou"] == pytest.approx(np.mean(expected), abs=1e-9)


@given(SEEDS, st.integers(2, 30), st.booleans())
def test_equal_error_rate(seed: int, examples: int, tied: bool) -> None:
    random = np.random.default_rng(seed)
    scores, labels = random.random(examples), random.integers(0, 2, examples)
    labels[:2] = 0, 1
    scores = np.round(scores, 1) if tied else scores
    expected = BinaryEER(thresholds=None)(torch.from_numpy(scores), torch.from_numpy(labels))
    assert equal_error_rate(scores, labels == 1) == pytest.approx(float(expected), abs=1e-6)


@given(SEEDS)
def test_f1_of_tokens(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores, labels = random.normal(0, 1, (4, 6, 5)), random.integers(0, 4, (4, 6))
    labels[random.random(labels.shape) < 0.2] = -100
    figures = measured({"kind": "text", "scores": "tokens"}, {"scores": scores}, list(labels))
    metric = MulticlassF1Score(5, average="macro", ignore_index=-100)
    expected = metric(torch.from_numpy(scores).argmax(-1), torch.from_numpy(labels))
    assert figures.values["f1"] == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("border", [0, 2])
def test_images(border: int) -> None:
    """The mean of the images' own figures; inside the border that counts."""
    random = np.random.default_rng(border)
    labels = random.random((3, 20, 18, 3))
    found = np.clip(labels + random.normal(0, 0.1, labels.shape), 0, 1)
    table = {"kind": "super_resolution", "crop_border": border}
    figures = measured(table, {"image": np.moveaxis(found, -1, 1)}, list(labels))
    inside = slice(border, -border or None)
    pair = [torch.from_numpy(np.moveaxis(images[:, inside, inside], -1, 1)) for images in (found, labels)]
    expected = structural_similarity_index_measure(pair[0], pair[1], data_range=1.0)
    assert figures.values["ssim"] == pytest.approx(float(expected), abs=1e-6)  # type: ignore[arg-type]
    squares = ((pair[0] - pair[1]) ** 2).mean((1, 2, 3))
    assert figures.values["psnr"] == pytest.approx(float((-10 * squares.log10()).mean()), abs=1e-6)


@given(SEEDS, st.sampled_from([1, 3]))
def test_recall_of_neighbours(seed: int, nearest: int) -> None:
    random = np.random.default_rng(seed)
    vectors, labels = random.normal(0, 1, (10, 3)), random.integers(0, 4, 10)
    figures = measured({"kind": "embedding", "nearest": nearest}, {"vectors": vectors}, labels.tolist())
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    query, other = np.nonzero(~np.eye(10, dtype=bool))
    scores, same = (unit @ unit.T)[query, other], labels[query] == labels[other]
    metric = RetrievalHitRate(top_k=nearest, empty_target_action="skip")
    columns: tuple[Any, ...] = (scores, same)
    expected = float(metric(*map(torch.from_numpy, columns), indexes=torch.from_numpy(query)))
    missing = not any((labels == label).sum() > 1 for label in labels)
    assert figures.values["recall"] == pytest.approx(np.nan if missing else expected, abs=1e-6, nan_ok=True)


def accepted(scores: Any, same: Any, share: float) -> float:
    """The best share of right pairs that some threshold accepts, with at most this share of wrong ones."""
    best = 0.0
    for threshold in [-np.inf, *scores]:
        if (scores[~same] > threshold).mean() <= share:
            best = max(best, float((scores[same] > threshold).mean()))
    return best


@given(SEEDS, st.sampled_from([0.01, 0.1, 0.3]), st.data())
def test_verification_is_the_best_threshold_of_all_pairs(seed: int, share: float, data: st.DataObject) -> None:
    """Also of a resample, in which an example is no pair with itself."""
    random = np.random.default_rng(seed)
    labels, vectors = np.array([0, 0, 1, 1, 2, 2, 2, 3]), random.normal(0, 1, (8, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sample = np.array(data.draw(st.lists(st.integers(0, 7), min_size=2, max_size=12)))
    first, second = np.nonzero(np.tri(len(sample), k=-1, dtype=bool) & (sample[:, None] != sample))
    scores = (vectors @ vectors.T)[np.maximum(sample[first], sample[second]), np.minimum(sample[first], sample[second])]
    same = labels[sample[first]] == labels[sample[second]]
    got = pairs(vectors, labels, share).accepted(np.bincount(sample, minlength=8))
    if not same.any() or same.all():
        assert np.isnan(got)
    else:
        assert got == pytest.approx(accepted(scores, same, share), abs=1e-9)


@pytest.mark.parametrize("alignment", ["none", "median", "affine"])
@pytest.mark.parametrize("gives", ["depth", "disparity"])
def test_depth(alignment: str, gives: str) -> None:
    """Eigen et al. 2014 and Ranftl et al. 2020, written out for one image."""
    random = np.random.default_rng(0)
    wanted = random.uniform(1, 9, (6, 5))
    space = wanted if gives == "depth" else 1 / wanted
    output = space + random.uniform(-0.02, 0.02, wanted.shape)
    moved = output if alignment == "none" else output * 3 if alignment == "median" else output * 3 + 1
    wanted[0] = np.nan
    known = np.isfinite(wanted)
    if alignment == "median":
        moved = moved * np.median(space[known]) / np.median(moved[known])
    if alignment == "affine":
        slope, shift = np.polyfit(moved[known], space[known], 1)
        moved = slope * moved + shift
    distance = (moved if gives == "depth" else 1 / moved)[known]
    given_outputs = {"depth": (output * (1 if alignment == "none" else 3) + (alignment == "affine"))[None]}
    figures = measured({"kind": "depth", "gives": gives, "alignment": alignment}, given_outputs, [wanted])
    off = np.abs(distance - wanted[known])
    factor = np.maximum(distance / wanted[known], wanted[known] / distance)
    assert figures.values["abs_rel"] == pytest.approx((off / wanted[known]).mean(), rel=1e-6)
    assert figures.values["rmse"] == pytest.approx(np.sqrt((off**2).mean()), rel=1e-6)
    assert figures.values["delta1"] == pytest.approx((factor < 1.25).mean(), abs=1e-9)
