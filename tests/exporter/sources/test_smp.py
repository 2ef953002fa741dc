"""`smp:` builds what segmentation-models-pytorch builds, and takes what its save_pretrained wrote."""

import json
from pathlib import Path
from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch

from exporter.config.model import completed
from exporter.data.errors import UsageProblem
from exporter.data.settings.model import ModelSettings
from exporter.sources.load import load_source
from exporter.sources.source import ModelSource

SMALL = "fpn:tu-test_resnet"
NORMAL = {"mean": (0.5,), "std": (0.25,)}


def load(spec: str, **given: Any) -> ModelSource:
    return load_source(spec, ModelSettings.model_validate({**NORMAL, **given}))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    smp.FPN("tu-test_resnet", encoder_weights=None, classes=2).save_pretrained(tmp_path)
    return tmp_path


def test_an_architecture_has_the_classes_that_are_asked_for() -> None:
    source = load(f"smp:{SMALL}:3", weights="none")
    assert source.description.output_shapes == ((1, 3, 256, 256),)
    task = completed(source.settings, source.description).task
    assert task is not None
    assert (task.kind, task.resize) == ("segmentation", "stretch")


def test_a_state_dict_says_how_many_classes_there_are(tmp_path: Path) -> None:
    torch.save(smp.FPN("tu-test_resnet", encoder_weights=None, classes=4).state_dict(), tmp_path / "state.pt")
    assert load(f"smp:{SMALL}", weights=str(tmp_path / "state.pt")).description.output_shapes[0][1] == 4


def test_a_folder_is_loaded_with_its_weights_and_its_license(saved: Path) -> None:
    (saved / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    source = load(f"smp:{saved}")
    wanted = smp.from_pretrained(str(saved)).eval()
    example = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(source.module(example), wanted(example))
    assert source.description.license == "cc-by-nc-4.0"


def test_scores_after_an_activation_are_held_against_one_half(saved: Path) -> None:
    """Against 0 every pixel would belong to the class, of the source and of any artifact."""
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps({**config, "activation": "sigmoid"}))
    assert load(f"smp:{saved}").description.task == {"kind": "segmentation", "threshold": 0.5}


@pytest.mark.parametrize(
    ("spec", "given", "says"),
    [
        ("smp:unt:resnet18", {}, "no architecture 'unt'; did you mean 'unet'?"),
        ("smp:unet:resnet81", {}, "no encoder 'resnet81'; did you mean 'resnet18'?"),
        ("smp:unet:resnet18:three", {}, "write smp:ARCHITECTURE[:ENCODER[:CLASSES]]"),
        ("smp:unet:resnet18", {}, "weights of encoders alone"),
        ("smp:unet:tu-no_such_model", {"weights": "none"}, "cannot be built"),
        ("smp:{folder}", {}, "no such file"),
    ],
)
def test_bad_names_get_one_clear_error(spec: str, given: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem) as caught:
        load(spec.format(folder=tmp_path), **given)
    assert says in str(caught.value)


def test_a_folder_of_another_library_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UsageProblem, match="is not of segmentation-models-pytorch"):
        load(f"smp:{tmp_path}")
