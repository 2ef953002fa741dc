"""`timm:NAME` knows what timm knows, and says in one sentence what it cannot have."""

import socket
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from huggingface_hub import constants

from exporter.config.model import completed
from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.source import ImageSpec
from exporter.data.settings.model import ModelSettings
from exporter.sources.load import load_source
from exporter.sources.registry import light_key
from exporter.sources.source import ModelSource


def load(spec: str, **given: Any) -> ModelSource:
    return load_source(spec, ModelSettings.model_validate(given))


@pytest.fixture
def own_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """timm's own weights, which a test cannot download: random ones in their place."""
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained=False, **given: create(name, **given))


def test_size_normalization_and_crop_are_those_of_the_weights() -> None:
    description = load("timm:test_resnet", weights="none").description
    (image,) = description.inputs
    assert (image.name, image.shape) == ("image", (1, 3, 160, 160))
    wanted = ImageSpec(mean=(0.5,) * 3, std=(0.5,) * 3, color="RGB", crop=0.95, interpolation="bilinear")
    assert image.image == wanted
    assert description.output_shapes == ((1, 1000),)
    assert description.parameters == sum(
        tensor.numel() for tensor in timm.create_model("test_resnet").state_dict().values()
    )


def test_names_and_license_are_those_of_the_weights(own_weights: None) -> None:
    description = load("timm:test_resnet").description
    assert description.labels[:2] == ("tench, Tinca tinca", "goldfish, Carassius auratus")
    assert (len(set(description.labels)), description.license) == (1000, "apache-2.0")
    random = load("timm:test_resnet", weights="none").description
    assert (random.labels, random.license) == ((), "")


def test_a_license_against_commerce_is_a_note(own_weights: None) -> None:
    description = load("timm:convnextv2_atto.fcmae_ft_in1k").description
    assert description.license == "cc-by-nc-4.0"
    assert any("no commercial use" in note for note in description.notes)


def test_it_is_a_classifier_unless_the_user_says_otherwise() -> None:
    source = load("timm:test_resnet", weights="none")
    found = completed(source.settings, source.description)
    assert found.task is not None
    assert (found.task.kind, found.fitting) == ("classification", "crop")
    own = ModelSettings.model_validate({"task": {"kind": "embedding"}, "resize": "stretch", "license": "ours"})
    assert completed(own, source.description) == own


def test_a_file_decides_how_many_classes_there_are(tmp_path: Path) -> None:
    """Fine-tuned weights mostly have another classifier."""
    torch.save(timm.create_model("test_vit", num_classes=7).state_dict(), tmp_path / "state.pt")
    description = load("timm:test_vit", weights=str(tmp_path / "state.pt")).description
    assert description.output_shapes == ((1, 7),)
    assert "--mean" in description.notes[0]


def test_random_weights_are_the_same_each_time() -> None:
    first, second = (load("timm:test_vit", weights="none").description for _ in range(2))
    assert first == second


def test_the_version_of_timm_is_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ModelSettings(weights="none")
    before = light_key("timm:test_vit", settings)
    monkeypatch.setattr("exporter.sources.registry._version", lambda name: f"{name} of tomorrow")
    assert light_key("timm:test_vit", settings) != before


def test_other_weights_in_the_hubs_cache_are_another_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    keys = {light_key("timm:test_vit.r160_in1k", ModelSettings())}
    ref = tmp_path / "models--timm--test_vit.r160_in1k" / "refs" / "main"
    ref.parent.mkdir(parents=True)
    for commit in ("a" * 40, "b" * 40):
        ref.write_text(commit)
        keys.add(light_key("timm:test_vit.r160_in1k", ModelSettings()))
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("spec", "given", "says"),
    [
        ("timm:test_resnett", {}, "did you mean timm:test_resnet?"),
        ("timm:qqqqqqqq", {}, "timm.list_models() names them"),
        ("timm:test_resnet.in22k", {}, "it has r160_in1k"),
        ("timm:resnet10t", {"weights": "absent.pt"}, "no such file"),
        ("timm:vit_base_patch16_18x2_224", {}, "timm has no weights for vit_base_patch16_18x2_224"),
    ],
)
def test_bad_names_get_one_clear_error(spec: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        load(spec, **given)
    assert says in str(caught.value)


def test_weights_of_another_network_are_named_by_their_keys(tmp_path: Path) -> None:
    torch.save(timm.create_model("test_vit").state_dict(), tmp_path / "state.pt")
    with pytest.raises(UsageProblem, match="do not fit the model:\n  missing: bn1"):
        load("timm:test_resnet", weights=str(tmp_path / "state.pt"))


def test_off_line_the_cache_is_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ToolError, match=f"not in the cache {tmp_path}.*--weights none"):
        load("timm:test_resnet")
