"""Figures that libraries publish of their own metrics: protects that these are the metrics of those names.

Docstrings are those of torchmetrics 1.9 and of jiwer 4; examples drawn by torch's generator are drawn again.
"""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from exporter.data.settings.task import TaskSettings
from exporter.datasets.truths import Boxes, Instances
from exporter.tasks.audio.equal_error import equal_error_rate
from exporter.tasks.registry import settings_type, task_named
from exporter.tasks.task import Figures
from tests.exporter.tasks.made import described

Pairs = list[tuple[Any, Any]]


def measured(table: dict[str, Any], outputs: dict[str, Any], labels: list[Any], image: Any = None) -> Figures:
    """Figures of a model's outputs, read as a table says."""
    given = {name: np.asarray(value) for name, value in outputs.items()}
    description = described({name: (1, *value.shape[1:]) for name, value in given.items()}, image)
    task = task_named(table["kind"])
    predictions = task.reader(settings_of(table), description)(list(given.values()), [None] * len(labels))
    return tallied(table, list(zip(predictions, labels, strict=True)))


def settings_of(table: dict[str, Any]) -> TaskSettings:
    return settings_type(table["kind"]).model_validate(table)


def tallied(table: dict[str, Any], pairs: Pairs) -> Figures:
    """Figures of predictions and labels."""
    task, settings = task_named(table["kind"]), settings_of(table)
    tally = task.tally(settings, ())
    for prediction, label in pairs:
        tally.add(prediction, task.as_truth(settings, prediction, label))
    return tally.figures(np.arange(len(pairs)))


def test_average_precision_of_masks() -> None:
    """``MeanAveragePrecision(iou_type="segm")``: map 0.2, map_50 1.0.

    The IoU is 3 / 5. torchmetrics' thresholds are float32, of which 0.6 is a little more, so that it counts at two of
    ten; it counts at three by pycocotools' own, which this program keeps.
    """
    found = [[0, 0, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    wanted = [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]
    boxes = Boxes.of([[0, 0, 5, 5]], [0], [0.536])
    pair = (Instances(boxes, np.array([found], bool)), Instances(boxes, np.array([wanted], bool)))
    figures = tallied({"kind": "instance_segmentation"}, [pair])
    assert figures.values["mask_map"] == pytest.approx(0.3, abs=1e-6)
    assert figures.values["mask_map50"] == pytest.approx(1.0, abs=1e-6)


def test_jaccard_index() -> None:
    """``MulticlassJaccardIndex``: 0.6667."""
    figures = measured({"kind": "segmentation"}, {"classes": [[[2, 1, 0, 1]]]}, [np.array([[2, 1, 0, 0]])])
    assert figures.values["miou"] == pytest.approx(2 / 3, abs=1e-6)


def test_mean_iou_of_images_one_by_one() -> None:
    """``MeanIoU(num_classes=3, per_class=True, input_format="index")``: 0.3334, 0.3336, and no third class."""
    shape = (10, 3, 128, 128)
    found = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(42)).numpy().reshape(10, -1, 128)
    wanted = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(43)).numpy().reshape(10, -1, 128)
    table = {"kind": "segmentation"}
    images = [measured(table, {"classes": one[None]}, [other]) for one, other in zip(found, wanted, strict=True)]
    means = np.mean([figures.classes["miou"] for figures in images], axis=0)
    np.testing.assert_allclose(means, [0.3334, 0.3336], atol=5e-5)


def test_calibration_error() -> None:
    """``MulticlassCalibrationError(num_classes=3, n_bins=3, norm="l1")``: 0.2."""
    scores = [[0.25, 0.20, 0.55], [0.55, 0.05, 0.40], [0.10, 0.30, 0.60], [0.90, 0.05, 0.05]]
    table = {"kind": "classification", "scores": "probabilities", "bins": 3}
    figures = measured(table, {"scores": scores}, [0, 1, 2, 0])
    assert figures.values["calibration"] == pytest.approx(0.2, abs=1e-6)
    assert figures.values["top1"] == 0.5


def test_equal_error_rate() -> None:
    """``BinaryEER``: 0.5."""
    assert equal_error_rate(np.array([0, 0.5, 0.7, 0.8]), np.array([0, 1, 1, 0], bool)) == pytest.approx(0.5, abs=1e-6)


def test_psnr() -> None:
    """``PeakSignalNoiseRatio(data_range=3.0)``: 2.5527."""
    table = {"kind": "super_resolution", "peak": 3.0}
    wanted = np.array([[3.0, 2.0], [1.0, 0.0]])[..., None] / 3
    figures = measured(table, {"image": [[[[0.0, 1.0], [2.0, 3.0]]]]}, [wanted])
    assert figures.values["psnr"] == pytest.approx(10 * np.log10(9 / 5), abs=1e-6)
    assert figures.values["psnr"] == pytest.approx(2.5527, abs=5e-5)
    assert np.isnan(figures.values["ssim"])


def test_perplexity() -> None:
    """``Perplexity(ignore_index=-100)``, whose docstring draws with the seed 42: 5.8540."""
    torch.manual_seed(42)
    scores, labels = torch.rand(2, 8, 5).numpy(), torch.randint(5, (2, 8)).numpy()
    labels[0, 6:] = -100
    ahead = np.concatenate([np.full((2, 1), -100), labels], 1)  # of the token that each row is of
    with_last = np.concatenate([scores, scores[:, :1]], 1)
    figures = measured({"kind": "text", "scores": "next"}, {"logits": with_last}, list(ahead))
    assert figures.values["perplexity"] == pytest.approx(library_perplexity(scores, labels), abs=1e-5)


def library_perplexity(scores: NDArray[Any], labels: NDArray[Any]) -> float:
    from torchmetrics.text import Perplexity

    return float(Perplexity(ignore_index=-100)(torch.from_numpy(scores), torch.from_numpy(labels)))


def test_f1_score() -> None:
    """``MulticlassF1Score(num_classes=3)``: 0.7778; of each class 0.6667, 0.6667 and 1."""
    found = 9 * np.eye(3)[[2, 1, 0, 1]]
    figures = measured({"kind": "text"}, {"scores": found}, [2, 1, 0, 0])
    assert figures.values["f1"] == pytest.approx(7 / 9, abs=1e-6)
    np.testing.assert_allclose(figures.classes["f1"], [2 / 3, 2 / 3, 1], atol=1e-6)


def test_errors_of_numbers() -> None:
    """scikit-learn's ``mean_absolute_error`` 0.5 and ``mean_squared_error`` 0.375."""
    labels = [np.array([value]) for value in (3, -0.5, 2, 7)]
    figures = measured({"kind": "regression"}, {"values": [[2.5], [0.0], [2], [8]]}, labels)
    assert figures.values["mae"] == pytest.approx(0.5, abs=1e-6)
    assert figures.values["rmse"] ** 2 == pytest.approx(0.375, abs=1e-6)


def test_r2_score() -> None:
    """``R2Score``: 0.9486; of two outputs with ``raw_values`` 0.9654 and 0.9082, of which this is the mean."""
    one = measured(
        {"kind": "regression"}, {"values": [[2.5], [0.0], [2], [8]]}, [np.array([y]) for y in (3, -0.5, 2, 7)]
    )
    assert one.values["r2"] == pytest.approx(0.9486, abs=5e-5)
    wanted = [np.array(row) for row in ([0.5, 1], [-1, 1], [7, -6])]
    two = measured({"kind": "regression"}, {"values": [[0.0, 2], [-1, 2], [8, -5]]}, wanted)
    assert two.values["r2"] == pytest.approx((0.9654 + 0.9082) / 2, abs=5e-5)


@pytest.mark.parametrize(
    ("said", "heard", "wer"),
    [
        ("hello world", "hello duck", 0.5),  # jiwer's README
        ("this is the reference there is another one", "this is the prediction there is an other sample", 0.5),
    ],
)
def test_word_error_rate(said: str, heard: str, wer: float) -> None:
    figures = tallied({"kind": "speech"}, [(heard, said)])
    assert figures.values["wer"] == pytest.approx(wer, abs=1e-6)


def test_error_rates_of_several_texts() -> None:
    """``WordErrorRate`` 0.5 and ``CharErrorRate`` 0.3415, over all texts together."""
    heard = ["this is the prediction", "there is an other sample"]
    said = ["this is the reference", "there is another one"]
    figures = tallied({"kind": "speech"}, list(zip(heard, said, strict=True)))
    assert figures.values["wer"] == pytest.approx(0.5, abs=1e-6)
    assert figures.values["cer"] == pytest.approx(14 / 41, abs=1e-6)
