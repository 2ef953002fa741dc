"""A model of a library from the command line: what the library says of it is in the files and in what is shown."""

import json
import os
from pathlib import Path

import pytest
import torch
import transformers

from tests.conftest import RunCommand

TARGETS = ("android-float", "iphone-7", "android-onnx-float")
FILES = ("android-float/model.tflite", "iphone-7/Model.mlpackage", "android-onnx-float/model.onnx")


@pytest.fixture
def vit(tmp_path: Path) -> str:
    """A folder of transformers, of which its card says a license against commerce."""
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    names = {"id2label": {0: "cat", 1: "dog"}, "label2id": {"cat": 0, "dog": 1}}
    config = transformers.ViTConfig(**size, image_size=16, patch_size=8, **names)
    transformers.ViTForImageClassification(config).save_pretrained(tmp_path / "vit")
    (tmp_path / "vit" / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    return "transformers:vit"


def test_every_format_carries_the_license_and_the_run_says_it(
    vit: str, mobile_export: RunCommand, tmp_path: Path
) -> None:
    targets = [word for name in TARGETS for word in ("--target", name)]
    done = mobile_export("convert", vit, *targets, "--mean", "0.5", "--std", "0.5")
    assert done.returncode == 0, done.stderr
    assert "license cc-by-nc-4.0" in done.stdout
    assert "no commercial use" in " ".join(done.stdout.split())
    record = json.loads((tmp_path / "build" / "run.json").read_text())
    assert record["source"]["license"] == "cc-by-nc-4.0"
    for file in FILES:
        inspected = mobile_export("inspect", f"build/{file}", "-f", "json")
        assert json.loads(inspected.stdout)["inspection"]["metadata"]["license"] == "cc-by-nc-4.0"


def test_the_users_own_license_wins(vit: str, mobile_export: RunCommand, tmp_path: Path) -> None:
    given = ("--mean", "0.5", "--std", "0.5", "--license", "bought")
    done = mobile_export("convert", vit, "--target", "android-onnx-float", *given)
    assert done.returncode == 0, done.stderr
    assert "no commercial use" not in " ".join(done.stdout.split())
    assert json.loads((tmp_path / "build" / "run.json").read_text())["source"]["license"] == "bought"


def test_check_shows_the_license_before_anything_is_converted(vit: str, mobile_export: RunCommand) -> None:
    done = mobile_export("check", vit, "--target", "iphone-7", "-f", "json")
    document = json.loads(done.stdout)
    assert document["license"] == "cc-by-nc-4.0"
    assert any("no commercial use" in note for note in document["notes"])
    assert "transformers:vit: license cc-by-nc-4.0" in mobile_export("check", vit, "--target", "iphone-7").stdout


def test_weights_that_cannot_be_had_end_the_run_in_one_sentence(installed: RunCommand, tmp_path: Path) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "hub")}
    done = installed("convert", "timm:test_resnet", "--target", "android-float", env=environment)
    assert done.returncode == 3
    assert f"not in the cache {tmp_path / 'hub'}" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
