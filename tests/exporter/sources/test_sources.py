"""Every kind of MODEL argument loads, and every bad one gets one clear error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from exporter.config.model import model_settings, parse_shape
from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.sources.load import load_source
from exporter.sources.registry import classify, light_key
from tests.data import small_models

SHAPE = ({"name": "image", "shape": (1, 3, 16, 16)},)


def settings(**given: Any) -> ModelSettings:
    return ModelSettings.model_validate({"inputs": SHAPE, **given})


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One network in every saved form."""
    folder = tmp_path_factory.mktemp("saved")
    net, example = small_models.small(), torch.zeros(1, 3, 16, 16)
    torch.export.save(torch.export.export(net, (example,)), folder / "net.pt2")
    torch.jit.trace(net, example).save(str(folder / "script.pt"))
    torch.save(net, folder / "pickled.pt")
    torch.save(net.state_dict(), folder / "state.pt")
    save_file(net.state_dict(), folder / "state.safetensors")
    torch.onnx.export(net, (example,), str(folder / "net.onnx"), dynamo=False, input_names=["image"])
    return {path.name: str(path) for path in folder.iterdir()}


def output(source: Any) -> np.ndarray:  # type: ignore[type-arg]
    from exporter.verification.runners import OnnxRunner, TorchRunner

    example = np.linspace(-1, 1, 768, dtype=np.float32).reshape(1, 3, 16, 16)
    runner = OnnxRunner(source.onnx_path, source.description) if source.onnx_path else TorchRunner(source.module)
    return runner([example])[0]


@pytest.mark.parametrize("name", ["net.pt2", "script.pt", "net.onnx", "pickled.pt"])
def test_saved_forms_compute_what_the_factory_does(name: str, saved: dict[str, str], small_spec: str) -> None:
    source = load_source(saved[name], settings(trust_pickle=True))
    np.testing.assert_allclose(output(source), output(load_source(small_spec, settings())), atol=1e-5)
    assert source.description.inputs[0].shape == (1, 3, 16, 16)
    assert source.description.parameters > 3000


def test_a_pt2_knows_its_own_input(saved: dict[str, str]) -> None:
    source = load_source(saved["net.pt2"], ModelSettings())
    assert [(spec.name, spec.shape) for spec in source.description.inputs] == [("image", (1, 3, 16, 16))]


@pytest.mark.parametrize("name", ["state.pt", "state.safetensors"])
def test_state_dicts_load_without_running_code(name: str, saved: dict[str, str], small_spec: str) -> None:
    fresh = load_source(small_spec, settings())
    loaded = load_source(small_spec, settings(weights=saved[name]))
    np.testing.assert_array_equal(output(loaded), output(fresh))


def test_a_pickle_needs_explicit_trust(saved: dict[str, str]) -> None:
    with pytest.raises(UsageProblem, match="--trust-pickle"):
        load_source(saved["pickled.pt"], settings())
    with pytest.raises(UsageProblem, match="would run code"):
        load_source(f"{small_models.__file__}:small", settings(weights=saved["pickled.pt"]))


def test_a_state_dict_that_does_not_fit_names_the_keys(tmp_path: Path, small_spec: str) -> None:
    state = small_models.small().state_dict()
    state["head.extra"] = state.pop("head.bias")
    state["mix.weight"] = state["mix.weight"][:4]
    torch.save(state, tmp_path / "state.pt")
    with pytest.raises(UsageProblem) as caught:
        load_source(small_spec, settings(weights=str(tmp_path / "state.pt")))
    message = str(caught.value)
    assert "missing: head.bias" in message
    assert "unexpected: head.extra" in message
    assert "mix.weight (4, 16, 3, 3) instead of (16, 16, 3, 3)" in message


@pytest.mark.parametrize(
    ("spec", "given", "says"),
    [
        ("torchvision:mobilnet_v2", {}, "did you mean torchvision:mobilenet_v2"),
        ("nothing.pt2", {}, "no such file"),
        ("resnet50", {}, "torchvision:NAME"),
        ("no_such_module:factory", {}, "no module 'no_such_module'"),
        ("no_such_file.py:factory", {}, "no such file"),
        ("{models}:no_such_factory", {}, "has no 'no_such_factory'"),
        ("{models}:not_a_module", {}, "gave a int"),
        ("{models}:nan_weights", {}, "NaN or infinite: head.weight"),
        ("{models}:small", {"inputs": ({"name": "image", "shape": (1, 4, 16, 16)},)}, "does not run on inputs image"),
        ("{models}:small", {"inputs": ()}, "--input-shape"),
        ("{models}:small", {"mean": (0.1, 0.2)}, "--mean has 2 values"),
        ("{models}:small", {"color_order": "GRAY"}, "does not fit an input of 3 channels"),
        ("{models}:small", {"outputs": ("a", "b")}, "has 1 outputs"),
        ("{models}:small", {"weights": "absent.pt"}, "no such file"),
        ("{models}:small", {"labels": "absent.txt"}, "absent.txt"),
    ],
)
def test_bad_sources_get_one_clear_error(spec: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        load_source(spec.format(models=small_models.__file__), settings(**given))
    assert says in str(caught.value)


def test_damaged_files_get_one_clear_error(tmp_path: Path, saved: dict[str, str], small_spec: str) -> None:
    for name in ("net.pt2", "script.pt", "net.onnx"):
        cut = tmp_path / name
        cut.write_bytes(Path(saved[name]).read_bytes()[:500])
        with pytest.raises(UsageProblem, match=name):
            load_source(str(cut), settings())
    cut = tmp_path / "state.safetensors"
    cut.write_bytes(b"\x10")
    with pytest.raises(UsageProblem, match="cannot be read"):
        load_source(small_spec, settings(weights=str(cut)))


def test_default_weights_offline_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The download itself is torchvision's; here the network is cut off below it."""
    import urllib.request

    def refuse(*arguments: object, **options: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(ToolError, match="--weights FILE"):
        load_source("torchvision:squeezenet1_1", ModelSettings())


def test_torchvision_knows_the_input_size() -> None:
    source = load_source("torchvision:squeezenet1_1", ModelSettings(weights="none"))
    assert source.description.kind is SourceKind.TORCHVISION
    assert source.description.inputs[0].shape == (1, 3, 224, 224)


def test_torchvision_says_how_its_weights_want_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second weights of MobileNetV2 are evaluated on 224 of 232, and not on 224 of 256; here they are random."""
    import torchvision

    state = torchvision.models.mobilenet_v2().state_dict()
    monkeypatch.setattr(torchvision.models.WeightsEnum, "get_state_dict", lambda *_, **__: state)
    description = load_source("torchvision:mobilenet_v2", ModelSettings()).description
    (image,) = description.inputs
    assert image.image is not None
    assert (image.image.crop, image.image.interpolation, description.resize) == (224 / 232, "bilinear", "crop")


def test_the_digest_follows_weights_and_shapes(load: Callable[..., Any], saved: dict[str, str]) -> None:
    same = load().description.digest
    assert load().description.digest == same
    assert load(shape=(1, 3, 32, 32)).description.digest != same
    assert load(mean=(0.4,)).description.digest != same
    assert load("segmenter").description.digest != same


def test_the_light_key_changes_with_the_file(tmp_path: Path, saved: dict[str, str], small_spec: str) -> None:
    copy = tmp_path / "net.pt2"
    copy.write_bytes(Path(saved["net.pt2"]).read_bytes())
    before = light_key(str(copy), settings())
    copy.write_bytes(copy.read_bytes() + b"x")
    assert light_key(str(copy), settings()) != before
    assert light_key(small_spec, settings()) is None


def test_shapes_are_parsed() -> None:
    assert parse_shape("1,3,224,224").shape == (1, 3, 224, 224)
    named = parse_shape("ids:int64=1x16")
    assert (named.name, named.dtype, named.shape) == ("ids", "int64", (1, 16))
    assert parse_shape("input_1:0=1,32,48,3").name == "input_1:0"
    assert parse_shape("ids:0:int32=1,4").dtype == "int32"
    for text in ("", "1,,3", "a=b", "1,0", "x:int9=1"):
        with pytest.raises(UsageProblem):
            parse_shape(text)


def test_the_model_table_lies_under_the_options(tmp_path: Path) -> None:
    file = tmp_path / "targets.toml"
    file.write_text('[model]\nmean = 0.5\nstd = [0.1, 0.2, 0.3]\nlabels = "names.txt"\n')
    found = model_settings(file, {"mean": (0.25,), "std": None})
    assert found.mean == (0.25,)
    assert found.std == (0.1, 0.2, 0.3)
    assert found.labels == tmp_path / "names.txt"
    file.write_text("[model]\nstd = 0\nmaen = 1\n")
    with pytest.raises(UsageProblem, match=r"model\.maen"):
        model_settings(file, {})


def test_forms_are_told_apart_by_their_shape() -> None:
    assert classify("torchvision:x") is SourceKind.TORCHVISION
    assert classify("a.b:c") is SourceKind.FACTORY
    assert classify("a/b.py:c") is SourceKind.FACTORY
