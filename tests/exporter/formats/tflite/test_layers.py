"""The first layer where a TFLite file leaves its source is found and named, in files of this program and of others."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from numpy.typing import NDArray

from exporter.data.facts.layers import MODEL, LayerFindings, Layers
from exporter.data.settings.model import ModelSettings
from exporter.datasets.open import open_dataset
from exporter.formats.format import Origin
from exporter.formats.registry import advice_for
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.conversion.file import parse
from exporter.formats.tflite.format import FORMAT
from exporter.formats.tflite.settings import TfliteTarget
from exporter.sources.load import load_source
from exporter.verification.layers import findings

NAMED = ["stem.0", "depthwise.0", "mix", "head"]
NETS = '''
import torch
from torch import nn
class Two(nn.Module):
    """Two inputs; one layer that is called for each of them."""
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.shared, self.pool, self.head = nn.Linear(6, 8), nn.MaxPool2d(2), nn.Linear(8, 3)
    def forward(self, a, b):
        return self.head(torch.relu(self.shared(a)) - self.shared(b).tanh())
class Wide(nn.Module):
    """The second layer has large weights for a channel of zeros, so that int8 has no steps for the others."""
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.wide, self.last = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 4, 3)
        with torch.no_grad():
            self.first.weight[0] = self.first.bias[0] = 0
            self.wide.weight[:, 0].mul_(1000)
    def forward(self, image):
        return self.last(self.wide(self.first(image))).mean((2, 3))
'''


def target(**quantization: Any) -> TfliteTarget:
    settings = {"name": "t", "format": "tflite", "minimum_os": "Android 12", "quantization": quantization}
    return TfliteTarget.model_validate(settings)


def compared(path: Path, source: Any, example: list[NDArray[Any]]) -> Layers:
    assert FORMAT.layers is not None
    return FORMAT.layers(path, Origin(source.description), source.module, example)


def found(layers: Layers, made_for: TfliteTarget | None = None) -> LayerFindings:
    given = made_for or target()
    return findings(layers, given.tolerances, advice_for(given))


@pytest.fixture(scope="module")
def session(load: Callable[..., Any], images: Path) -> ConversionSession:
    source = load()
    return ConversionSession(source, open_dataset(str(images), source.description.inputs, "crop"), 12)


@pytest.fixture(scope="module")
def example(session: ConversionSession) -> list[NDArray[Any]]:
    batches = session.graph.calibration_batches()
    return list(next(iter(batches)))


@pytest.fixture(scope="module")
def convert(session: ConversionSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    made: dict[str, Path] = {}

    def make(**quantization: Any) -> Path:
        key = str(quantization)
        if key not in made:
            made[key] = session.convert(target(**quantization), tmp_path_factory.mktemp("tflite")).path
        return made[key]

    return make


def changed(path: Path, folder: Path, change: Callable[[Any], None]) -> Path:
    """A copy of a file whose model `change` has changed in place."""
    model = parse(path.read_bytes())
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    copy = folder / "changed.tflite"
    copy.write_bytes(bytes(builder.Output()))
    return copy


def negated(layer: str) -> Callable[[Any], None]:
    """Turns the sign of a layer's weight."""

    def change(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            if tensor.name == f"{layer}.weight".encode():
                kind = np.int8 if tensor.type == 9 else np.float32
                values: NDArray[Any] = np.frombuffer(bytes(model.buffers[tensor.buffer].data), kind)
                model.buffers[tensor.buffer].data = np.frombuffer((-values).tobytes(), np.uint8)

    return change


def nameless(model: Any) -> None:
    """As other programs write files: no name says anything."""
    model.signatureDefs, model.metadata = [], []
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        tensor.name = f"t{number}".encode()


@pytest.mark.parametrize(
    ("quantization", "least_db"),
    [
        ({}, 100),
        ({"mode": "float16"}, 50),
        ({"mode": "dynamic_range"}, 30),
        ({"mode": "int8"}, 25),
        ({"mode": "int8", "input_type": "uint8", "output_type": "int8"}, 25),
        ({"mode": "int16x8"}, 35),
    ],
)
def test_every_layer_is_found_in_every_mode(
    quantization: dict[str, Any], least_db: float, convert: Any, session: Any, example: Any
) -> None:
    """Integers stand for real numbers, and fused activations and normalizations stand with their convolution."""
    layers = compared(convert(**quantization), session.graph.source, example)
    assert [layer.module for layer in layers.compared] == [*NAMED, MODEL]
    assert layers.not_matched == ()
    assert layers.compared[0].kind == "Conv2d, BatchNorm2d, ReLU6"
    assert {layer.matched_by for layer in layers.compared} <= {"name", "weights"}
    assert min(layer.snr_db for layer in layers.compared) > least_db
    assert found(layers).first is None


@pytest.mark.parametrize("mode", ["float32", "int8"])
@pytest.mark.parametrize("layer", NAMED)
def test_a_wrong_weight_is_blamed_on_its_layer(
    mode: str, layer: str, convert: Any, session: Any, example: Any, tmp_path: Path
) -> None:
    path = changed(convert(mode=mode), tmp_path, negated(layer))
    first = found(compared(path, session.graph.source, example)).first
    assert first is not None
    assert (first.module, first.rule_name) == (layer, layer)


@pytest.mark.parametrize("mode", ["float32", "int8"])
def test_files_without_names_are_matched_by_weights(
    mode: str, convert: Any, session: Any, example: Any, tmp_path: Path
) -> None:
    layers = compared(changed(convert(mode=mode), tmp_path, nameless), session.graph.source, example)
    assert [(layer.module, layer.matched_by) for layer in layers.compared[:-1]] == [(one, "weights") for one in NAMED]
    assert found(layers).first is None


def test_a_wrong_weight_in_a_file_without_names_is_blamed_too(
    convert: Any, session: Any, example: Any, tmp_path: Path
) -> None:
    """Noise for a weight: neither name nor weight tells the layer, but its place, kind and shape do."""

    def spoil(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            if tensor.name == b"mix.weight":
                noise = np.random.default_rng(0).normal(size=tensor.shape).astype(np.float32)
                model.buffers[tensor.buffer].data = np.frombuffer(noise.tobytes(), np.uint8)
        nameless(model)

    first = found(compared(changed(convert(), tmp_path, spoil), session.graph.source, example)).first
    assert first is not None
    assert (first.module, first.matched_by) == ("mix", "order")


def test_nan_in_a_weight_is_found_where_it_arises(convert: Any, session: Any, example: Any, tmp_path: Path) -> None:
    def spoil(model: Any) -> None:
        (tensor,) = (one for one in model.subgraphs[0].tensors if one.name == b"mix.weight")
        values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32).copy()
        values[0] = np.nan
        model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)

    first = found(compared(changed(convert(), tmp_path, spoil), session.graph.source, example)).first
    assert first is not None
    assert (first.module, first.snr_db) == ("mix", -np.inf)
    assert first.artifact.not_finite > 0 == first.source.not_finite


def load_net(folder: Path, name: str, *shapes: tuple[str, tuple[int, ...]]) -> Any:
    (folder / "nets.py").write_text(NETS)
    inputs = [{"name": name, "shape": shape} for name, shape in shapes]
    return load_source(f"{folder / 'nets.py'}:{name}", ModelSettings.model_validate({"inputs": inputs}))


def test_two_inputs_and_a_layer_that_is_called_for_each(tmp_path: Path) -> None:
    source = load_net(tmp_path, "Two", ("a", (1, 6)), ("b", (1, 6)))
    path = ConversionSession(source, None, 1).convert(target(), tmp_path).path
    noise = np.random.default_rng(0)
    layers = compared(path, source, [noise.normal(size=(1, 6)).astype(np.float32) for _ in "ab"])
    assert [layer.title for layer in layers.compared] == ["shared", "shared (call 2)", "head", MODEL]
    assert min(layer.snr_db for layer in layers.compared) > 100


def test_the_rule_that_it_suggests_moves_the_first_layer_that_leaves(images: Path, tmp_path: Path) -> None:
    """Protects the promise of the report: what it says to write into the target helps."""
    source = load_net(tmp_path, "Wide", ("image", (1, 3, 16, 16)))
    data = open_dataset(str(images), source.description.inputs, "crop")
    session = ConversionSession(source, data, 12)
    settings: dict[str, Any] = {"mode": "int8"}
    example = list(data.batch((0,)))
    before = found(compared(_into(session, settings, tmp_path / "a"), source, example), target(**settings))
    assert before.first is not None
    assert before.first.module == "wide"
    assert before.rule == """{ op_name = '^wide$', keep = "float32" }"""
    settings["rules"] = [tomllib.loads(f"rule = {before.rule}")["rule"]]
    after = found(compared(_into(session, settings, tmp_path / "b"), source, example), target(**settings))
    layers = [layer.module for layer in after.layers.compared]
    assert after.first is None or layers.index(after.first.module) > layers.index("wide")


def _into(session: ConversionSession, settings: dict[str, Any], folder: Path) -> Path:
    folder.mkdir()
    path: Path = session.convert(target(**settings), folder).path
    return path
