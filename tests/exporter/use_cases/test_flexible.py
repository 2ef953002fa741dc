"""Flexible input shapes from the command line's text to the verdict, in every format."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from exporter.config.model import parse_shape
from exporter.data.errors import UsageProblem
from exporter.data.progress import Silent
from exporter.data.results.record import RunRecord
from exporter.data.settings.model import ModelSettings
from exporter.data.verdict import Status
from exporter.sources.load import load_source
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.run import run
from exporter.use_cases.verify import verify
from tests.exporter.use_cases import flexible_nets as nets
from tests.warm import warmly

TARGETS = """
[targets.coreml]
format = "coreml"
minimum_os = "iOS 17"
tolerances.snr_db = 40

[targets.tflite]
format = "tflite"
minimum_os = "Android 12"
tolerances.snr_db = 60

[targets.onnx]
format = "onnx"
minimum_os = "Android 12"
tolerances.snr_db = 60
"""
NAMES = ("coreml", "tflite", "onnx")
IMAGES = "image=1,3,20..48,20..48"


def request(folder: Path, net: str, *shapes: str, targets: tuple[str, ...] = NAMES, text: str = TARGETS) -> RunRequest:
    file = folder / "targets.toml"
    file.write_text(text)
    return RunRequest(
        spec=f"{nets.__file__}:{net}",
        settings=ModelSettings(inputs=tuple(map(parse_shape, shapes))),
        target_names=targets,
        targets_file=file,
        output=folder / "out",
        cache_root=folder / "cache",
        measure=False,
    )


def shapes_tried(record: RunRecord) -> dict[str, list[dict[str, tuple[int, ...]]]]:
    return {one.name: [tried.shapes for tried in one.parities[0].shapes] for one in record.targets}


def statuses(record: RunRecord, metric: str) -> dict[str, Status]:
    return {verdict.subject: verdict.status for verdict in record.verdicts() if verdict.metric == metric}


@pytest.mark.slow
def test_a_range_is_right_at_its_ends_and_in_the_middle(tmp_path: Path) -> None:
    """The record says which sizes were tried, one verdict is of the worst, and each file says what it takes."""
    record = warmly(run, request(tmp_path, "Pooled", IMAGES), Silent())
    tried = [{"image": (1, 3, 20, 20)}, {"image": (1, 3, 35, 37)}, {"image": (1, 3, 48, 48)}]
    assert shapes_tried(record) == dict.fromkeys(NAMES, tried)
    assert statuses(record, "parity.shapes") == dict.fromkeys(NAMES, Status.PASSED)
    assert record.source.inputs == {"image": (1, 3, 48, 48)}
    assert record.source.flexible == {"image": "1x3x(20..48)x(20..48)"}
    shown = {one.name: one.inspection.inputs[0] for one in record.targets if one.inspection}
    assert str(shown["coreml"].flexible) == "(20..48)x(20..48)"
    assert shown["tflite"].shape == (1, -1, -1, 3)
    assert shown["onnx"].shape == (1, 3, -1, -1)


@pytest.mark.slow
def test_listed_shapes_are_all_tried(tmp_path: Path) -> None:
    """Lists of one input belong together, the largest is the example; Core ML holds the list itself."""
    record = warmly(run, request(tmp_path, "Pooled", "image=1,3,{24,48,32},{24,40,20}"), Silent())
    tried = [{"image": (1, 3, 24, 24)}, {"image": (1, 3, 32, 20)}, {"image": (1, 3, 48, 40)}]
    assert shapes_tried(record) == dict.fromkeys(NAMES, tried)
    assert statuses(record, "parity.shapes") == dict.fromkeys(NAMES, Status.PASSED)
    inspection = next(one.inspection for one in record.targets if one.name == "coreml")
    assert inspection is not None
    flexible = inspection.inputs[0].flexible
    assert flexible is not None
    assert set(flexible.shapes) == {(24, 24), (48, 40), (32, 20)}


@pytest.mark.slow
def test_a_recipe_and_int8_leave_shapes_open(tmp_path: Path) -> None:
    """What a recipe saves takes every shape, and so does what quantizers made of a file."""
    images = np.random.default_rng(0).integers(0, 256, (6, 48, 48, 3), np.uint8)
    np.savez(tmp_path / "data.npz", image=images)
    recipe = '[recipes.sparse]\nsteps = [{ method = "magnitude_pruning", sparsity = 0.5 }]\n'
    small = '[targets.small]\nformat = "tflite"\nminimum_os = "Android 12"\nrecipe = "sparse"\n'
    text = f'{recipe}{small}tolerances.snr_db = 0\nquantization.mode = "int8"\n'
    asked = request(tmp_path, "Pooled", IMAGES, targets=("small",), text=text)
    record = run(dataclasses.replace(asked, calibration=str(tmp_path / "data.npz")), Silent())
    assert [one.error for one in record.targets] == [None]
    assert [tried.runs for tried in record.targets[0].parities[0].shapes] == [True] * 3
    assert record.targets[0].inspection is not None
    assert record.targets[0].inspection.inputs[0].shape == (1, -1, -1, 3)


@pytest.mark.slow
def test_lengths_of_a_sequence(tmp_path: Path) -> None:
    """Inputs with the same range have the same length; one token is a sequence too."""
    record = warmly(run, request(tmp_path, "Mean", "ids:int64=1,1..16", "mask:int64=1,1..16"), Silent())
    tried = [{"ids": (1, length), "mask": (1, length)} for length in (1, 9, 16)]
    assert shapes_tried(record) == dict.fromkeys(NAMES, tried)
    assert statuses(record, "parity.shapes") == dict.fromkeys(NAMES, Status.PASSED)


@pytest.mark.slow
@pytest.mark.parametrize("target", NAMES)
def test_an_artifact_of_one_shape_fails(tmp_path: Path, target: str) -> None:
    """It is right on the largest shape, which alone would have passed."""
    fixed = request(tmp_path, "Pooled", "image=1,3,48,48", targets=(target,))
    record = run(fixed, Silent())
    artifact = record.targets[0].artifact
    assert artifact is not None
    flexible = request(tmp_path, "Pooled", IMAGES, targets=(target,))
    found = verify(flexible, fixed.output / artifact.path, Silent())
    verdicts = {verdict.metric: verdict for verdict in found.verdicts}
    assert verdicts["parity.snr"].status is Status.PASSED
    assert verdicts["parity.shapes"].status is Status.FAILED
    assert "does not run on image 1x3x20x20" in verdicts["parity.shapes"].reason
    assert found.exit_code == 1


@pytest.mark.slow
def test_another_model_fails_at_other_shapes_alone(tmp_path: Path) -> None:
    """Taken from an artifact that is equal on the largest shape, and computes something else on the others."""
    record = run(request(tmp_path, "Another", IMAGES, targets=("onnx",)), Silent())
    artifact = record.targets[0].artifact
    assert artifact is not None
    found = verify(request(tmp_path, "Pooled", IMAGES, targets=("onnx",)), tmp_path / "out" / artifact.path, Silent())
    verdicts = {verdict.metric: verdict.status for verdict in found.verdicts}
    assert verdicts["parity.shapes"] is Status.FAILED


def test_a_range_that_the_model_contradicts_is_refused(tmp_path: Path) -> None:
    """Before anything is converted, with the size and the model's own error."""
    with pytest.raises(UsageProblem, match=r"image \[1, 3, 16, 32\], which the given shapes .*16\.\.32.*mat1 and mat2"):
        run(request(tmp_path, "Fixed", "1,3,16..32,32"), Silent())
    spec = f"{nets.__file__}:Even"
    with pytest.raises(UsageProblem, match="List the lengths that it takes"):
        load_source(spec, ModelSettings(inputs=(parse_shape("1,3,16..32,16..32"),)))
    load_source(spec, ModelSettings(inputs=(parse_shape("1,3,{16,32},{16,32}"),)))


def test_lists_of_several_inputs_need_a_newer_core_ml(tmp_path: Path) -> None:
    """Refused before the work starts."""
    shapes = ("ids:int64=1,{4,8}", "mask:int64=1,{4,8}")
    with pytest.raises(UsageProblem, match="iOS 18"):
        run(request(tmp_path, "Mean", *shapes, targets=("coreml",)), Silent())


def test_shapes_decide_the_digest(tmp_path: Path) -> None:
    """The cache takes no artifact of one shape for one of several."""
    spec = f"{nets.__file__}:Pooled"
    texts = ("1,3,48,48", "1,3,20..48,20..48", "1,3,24..48,24..48", "1,3,{24,48},{24,48}")
    found = {load_source(spec, ModelSettings(inputs=(parse_shape(text),))).description.digest for text in texts}
    assert len(found) == len(texts)
