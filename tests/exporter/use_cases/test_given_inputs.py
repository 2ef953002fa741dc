"""Inputs, shapes and signatures of the command line, against the model that they are for."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from exporter.data.errors import UsageProblem
from exporter.formats.coreml.devices import CoremlDevices
from exporter.formats.devices import Port, RunnerChoice
from exporter.use_cases.devices.inputs import Given, fitted
from profilers.plan import ProfilePlan

IMAGE = Port("serving_image:0", "image", "float32", (-1, 4, 4, 3))
SCALE = Port("serving_scale:0", "scale", "int8", (2,))
PLAN = ProfilePlan()


def fit(folder: Path, *ports: Port, models: int = 1, plan: ProfilePlan = PLAN, **given: Any) -> tuple[Any, Any]:
    form: Any = SimpleNamespace(devices=SimpleNamespace(ports=lambda model, signature: ports))
    return fitted(form, [Path("m.tflite")] * models, plan, RunnerChoice(), Given(**given), folder)


def saved(folder: Path, shape: tuple[int, ...], dtype: str = "float32", name: str = "image.npy") -> str:
    np.save(folder / name, np.ones(shape, dtype))
    return str(folder / name)


def test_every_input_has_its_bytes_and_those_not_given_are_random(tmp_path: Path) -> None:
    plan, choice = fit(tmp_path, IMAGE, SCALE, files=(f"image={saved(tmp_path, (1, 4, 4, 3))}",))
    assert list(choice.inputs) == [IMAGE.name, SCALE.name]
    assert np.fromfile(choice.inputs[IMAGE.name], "float32").tolist() == [1.0] * 48
    assert choice.inputs[SCALE.name].stat().st_size == 2
    assert plan.conditions()[f"input.{IMAGE.name}"] == "image.npy"


def test_a_shape_makes_room_for_the_file(tmp_path: Path) -> None:
    file = saved(tmp_path, (3, 4, 4, 3))
    with pytest.raises(UsageProblem, match=r"takes 1,4,4,3 \(or give --input-shape image=3,4,4,3\)"):
        fit(tmp_path, IMAGE, files=(file,))
    plan, choice = fit(tmp_path, IMAGE, files=(file,), shapes=("image=3,4,4,3",))
    assert plan.input_shapes == {IMAGE.name: (3, 4, 4, 3)}
    assert choice.inputs[IMAGE.name].stat().st_size == 3 * 4 * 4 * 3 * 4


def test_an_archive_names_its_inputs(tmp_path: Path) -> None:
    np.savez(tmp_path / "all.npz", image=np.ones((1, 4, 4, 3), "float32"), scale=np.ones(2, "int8"))
    _, choice = fit(tmp_path, IMAGE, SCALE, files=(str(tmp_path / "all.npz"),))
    assert choice.inputs[SCALE.name].read_bytes() == b"\1\1"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"files": ("{float64}",)}, r"holds float64 values; the model takes image \(serving_image:0\): float32"),
        ({"files": ("other={image}",)}, "no such input; it has image"),
        ({"files": ("none.npy",)}, "no such file"),
        ({"files": ("{text}",)}, "give an .npz or .npy"),
        ({"shapes": ("image=1,4,4",)}, "it has 4 dimensions"),
        ({"shapes": ("image=1,5,4,3",)}, "leaves open only what is"),
        ({"shapes": ("image=0,4,4,3",)}, "write NAME=1,224,224,3"),
        ({"shapes": ("1,4,4,3",)}, "write NAME=1,224,224,3"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    files = {
        "{float64}": saved(tmp_path, (1, 4, 4, 3), "float64", "double.npy"),
        "other={image}": f"other={saved(tmp_path, (1, 4, 4, 3))}",
        "{text}": str(tmp_path / "text.txt"),
    }
    (tmp_path / "text.txt").write_text("1")
    made: Any = {name: tuple(files.get(one, one) for one in values) for name, values in given.items()}
    with pytest.raises(UsageProblem, match=words):
        fit(tmp_path, IMAGE, **made)


def test_several_inputs_want_their_names(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="write NAME="):
        fit(tmp_path, IMAGE, SCALE, files=(saved(tmp_path, (1, 4, 4, 3)),))


def test_they_are_of_one_model(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="give one model"):
        fit(tmp_path, IMAGE, models=2, signature="main")


def test_nothing_given_asks_nothing_of_the_model(tmp_path: Path) -> None:
    """Not even its format, of which some cannot be given any."""
    form: Any = SimpleNamespace(devices=CoremlDevices())
    assert fitted(form, [Path("m.mlpackage")], PLAN, RunnerChoice(), Given(), tmp_path) == (PLAN, RunnerChoice())
    with pytest.raises(UsageProblem, match=r"m\.mlpackage"):
        fitted(form, [Path("m.mlpackage")], PLAN, RunnerChoice(), Given(signature="x"), tmp_path)
