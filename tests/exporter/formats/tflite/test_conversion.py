"""TFLite artifacts compute what the source computes, under the source's names, in every mode."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.data.errors import UsageProblem
from exporter.datasets.open import open_dataset
from exporter.formats.registry import advice_for
from exporter.formats.session import Conversion, ConversionSession
from exporter.formats.tflite.runner import LiteRTRunner
from exporter.formats.tflite.settings import TfliteTarget
from exporter.gates.harm import conversion_warnings
from exporter.verification.compare import compare, reference_outputs
from exporter.verification.noise import noise
from exporter.verification.runners import TorchRunner

LEAST_SNR = {"float32": 90, "float16": 50, "dynamic_range": 25, "int8": 15, "int16x8": 25}


def target(**settings: Any) -> TfliteTarget:
    return TfliteTarget.model_validate({"name": "t", "format": "tflite", "minimum_os": "Android 12", **settings})


@pytest.fixture(scope="module")
def session(load: Callable[..., Any], images: Path, tmp_path_factory: pytest.TempPathFactory) -> ConversionSession:
    names = tmp_path_factory.mktemp("labels") / "labels.txt"
    names.write_text("\n".join("abcde"))
    source = load(labels=names, author="Ann", license="MIT", version="7")
    return ConversionSession(source, open_dataset(str(images), source.description.inputs, "crop"), 12)


@pytest.fixture(scope="module")
def convert(
    session: ConversionSession, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[Conversion, TfliteTarget]]:
    made: dict[str, tuple[Conversion, TfliteTarget]] = {}

    def make(**settings: Any) -> tuple[Conversion, TfliteTarget]:
        wanted = target(**settings)
        key = wanted.model_dump_json()
        if key not in made:
            made[key] = session.convert(wanted, tmp_path_factory.mktemp("tflite")), wanted
        return made[key]

    return make


def snr(session: ConversionSession, path: Path) -> float:
    source = session.graph.source
    data = noise(source.description.inputs, {})
    reference = reference_outputs(TorchRunner(source.module), source.description, data, None, lambda *_: None)
    parity = compare(LiteRTRunner(path, source.description), reference, lambda *_: None)
    return 200.0 if parity.snr_db is None else parity.snr_db


@pytest.mark.parametrize("mode", list(LEAST_SNR))
def test_every_mode_keeps_outputs_names_and_signature(mode: str, session: ConversionSession, convert: Any) -> None:
    conversion, _ = convert(quantization={"mode": mode})
    assert snr(session, conversion.path) > LEAST_SNR[mode]
    runner = LiteRTRunner(conversion.path, session.graph.description)
    assert runner.model.get_signature_list() == {"serving_default": {"inputs": ["image"], "outputs": ["output"]}}
    assert conversion.inspection.inputs[0].shape == (1, 16, 16, 3)
    layers = {weight.layer for weight in conversion.inspection.weights if weight.kind == "weight"}
    assert layers == {"stem.0", "depthwise.0", "mix", "head"}


def test_modes_store_what_they_say(convert: Any) -> None:
    stored = {
        mode: convert(quantization={"mode": mode})[0].inspection.bytes_by_dtype()
        for mode in ("float32", "float16", "int8", "int16x8")
    }
    assert set(stored["float32"]) == {"float32", "int32"}
    assert stored["float16"]["float16"] * 2 == stored["float32"]["float32"]
    assert {"int8", "int32"} <= set(stored["int8"])
    assert {"int8", "int64"} <= set(stored["int16x8"])


def test_weights_are_per_channel_unless_asked_otherwise(convert: Any) -> None:
    forms = {}
    for granularity in ("per_channel", "per_tensor"):
        inspection = convert(quantization={"mode": "int8", "granularity": granularity})[0].inspection
        forms[granularity] = {
            weight.quantization
            for weight in inspection.weights
            if weight.kind == "weight" and weight.op_type == "CONV_2D"
        }
    assert forms == {"per_channel": {"linear per_channel"}, "per_tensor": {"linear per_tensor"}}


def test_integer_inputs_and_outputs(session: ConversionSession, convert: Any) -> None:
    conversion, _ = convert(quantization={"mode": "int8", "input_type": "uint8", "output_type": "int8"})
    assert [fact.dtype for fact in (*conversion.inspection.inputs, *conversion.inspection.outputs)] == ["uint8", "int8"]
    assert snr(session, conversion.path) > 15


def test_nchw_on_request(session: ConversionSession, convert: Any) -> None:
    conversion, _ = convert(layout="NCHW")
    assert conversion.inspection.inputs[0].shape == (1, 3, 16, 16)
    assert snr(session, conversion.path) > 90


@pytest.mark.parametrize(
    ("rule", "floats"),
    [({"op_name": "^head$"}, {"FULLY_CONNECTED"}), ({"op_type": "DEPTHWISE_CONV_2D"}, {"DEPTHWISE_CONV_2D"})],
)
def test_rules_keep_layers_in_float_and_that_is_said(
    rule: dict[str, str], floats: set[str], session: ConversionSession, convert: Any
) -> None:
    conversion, wanted = convert(quantization={"mode": "int8", "rules": [rule]})
    assert {op.type for op in conversion.inspection.float_ops()} == floats
    warnings = conversion_warnings(advice_for(wanted), conversion.inspection, conversion.twin, conversion.left_alone)
    assert any("stayed float in an int8 model" in warning for warning in warnings)
    assert snr(session, conversion.path) > 15


def test_a_rule_that_selects_nothing_is_an_error(convert: Any) -> None:
    with pytest.raises(UsageProblem, match="matches no layer; layers are named like"):
        convert(quantization={"mode": "int8", "rules": [{"op_name": "no_such_layer"}]})


def test_outputs_with_channels_follow_the_layout(load: Callable[..., Any], tmp_path: Path) -> None:
    """Protects maps: a converter may move channels, and a square output would hide it."""
    source = load("segmenter", (1, 3, 12, 16), outputs=("map", "mean"))
    session = ConversionSession(source, None, 1)
    for layout, shape in (("NHWC", (1, 12, 16, 4)), ("NCHW", (1, 4, 12, 16))):
        folder = tmp_path / layout
        folder.mkdir()
        conversion = session.convert(target(layout=layout), folder)
        assert [(fact.name, fact.shape) for fact in conversion.inspection.outputs] == [("map", shape), ("mean", (1, 8))]
        assert snr(session, conversion.path) > 90


def test_metadata_names_normalization_and_labels(convert: Any) -> None:
    conversion, _ = convert(quantization={"mode": "float16"})
    content = conversion.path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("labels.txt").decode().split() == list("abcde")
    assert "TFLITE_METADATA" in conversion.inspection.metadata["metadata"]
    start = content.index(b"M001") - 4
    for text in (b"Ann", b"MIT", b"image", b"labels.txt"):
        assert text in content[start:]
    assert np.float32(127.5).tobytes() in content[start:]


def test_buffers_are_aligned_as_the_schema_demands(convert: Any) -> None:
    from ai_edge_litert.schema_py_generated import Model

    content = convert(quantization={"mode": "float32"})[0].path.read_bytes()
    model = Model.GetRootAsModel(content, 0)
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            offset = buffer._tab.Vector(buffer._tab.Offset(4))
            assert offset % 16 == 0


def test_an_onnx_source_becomes_tflite(load: Callable[..., Any], tmp_path: Path) -> None:
    import torch

    from exporter.data.settings.model import ModelSettings
    from exporter.sources.load import load_source
    from exporter.verification.runners import OnnxRunner
    from tests.data import small_models

    path = tmp_path / "net.onnx"
    torch.onnx.export(
        small_models.small(),
        (torch.zeros(1, 3, 16, 16),),
        str(path),
        dynamo=False,
        input_names=["image"],
        output_names=["scores"],
    )
    source = load_source(str(path), ModelSettings(mean=(0.5,), std=(0.5,)))
    conversion = ConversionSession(source, None, 1).convert(target(), tmp_path)
    data = noise(source.description.inputs, {})
    reference = reference_outputs(OnnxRunner(path, source.description), source.description, data, None, lambda *_: None)
    parity = compare(LiteRTRunner(conversion.path, source.description), reference, lambda *_: None)
    assert (parity.snr_db or 200) > 90
