"""Core ML artifacts hold what their settings say; what the library skipped is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.data.errors import UsageProblem
from exporter.datasets.open import open_dataset
from exporter.formats.coreml.runner import CoremlRunner
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.registry import advice_for
from exporter.formats.session import Conversion, ConversionSession
from exporter.gates.harm import conversion_warnings
from exporter.verification.compare import compare, reference_outputs
from exporter.verification.noise import noise
from exporter.verification.runners import TorchRunner


def target(minimum_os: str = "iOS 18", **settings: Any) -> CoremlTarget:
    return CoremlTarget.model_validate({"name": "t", "format": "coreml", "minimum_os": minimum_os, **settings})


@pytest.fixture(scope="module")
def session(load: Callable[..., Any], images: Path) -> ConversionSession:
    source = load(author="Ann", license="MIT", version="7")
    return ConversionSession(source, open_dataset(str(images), source.description.inputs, "crop"), 12)


@pytest.fixture(scope="module")
def convert(session: ConversionSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Conversion]:
    def make(minimum_os: str = "iOS 18", **settings: Any) -> Conversion:
        return session.convert(target(minimum_os, **settings), tmp_path_factory.mktemp("coreml"))

    return make


def snr(session: ConversionSession, path: Path) -> float:
    source = session.graph.source
    data = noise(source.description.inputs, {})
    reference = reference_outputs(TorchRunner(source.module), source.description, data, None, lambda *_: None)
    parity = compare(CoremlRunner(path, source.description), reference, lambda *_: None)
    return 200.0 if parity.snr_db is None else parity.snr_db


def linear(**given: Any) -> dict[str, Any]:
    return {"weights": {"method": "linear", "weight_threshold": 0, **given}}


def palette(**given: Any) -> dict[str, Any]:
    return {"weights": {"method": "palettization", "weight_threshold": 0, **given}}


SPARSE = {"target_sparsity": 0.5, "weight_threshold": 0}


@pytest.mark.parametrize(
    ("quantization", "form", "bits", "least_snr"),
    [
        ({"precision": "float32"}, "none", 32, 90),
        ({}, "none", 16, 50),
        (linear(), "linear per_channel", 8, 30),
        (linear(granularity="per_tensor"), "linear per_tensor", 8, 25),
        (linear(nbits=4), "linear per_channel", 4, 8),
        (linear(nbits=4, granularity="per_block", block_size=4), "linear per_block", 4, 8),
        (palette(nbits=8), "palettized", 8, 30),
        (palette(nbits=6), "palettized", 6, 20),
        (palette(nbits=4), "palettized", 4, 10),
        (palette(nbits=3), "palettized", 3, 5),
        (palette(nbits=2), "palettized", 2, 0),
        (palette(nbits=1), "palettized", 1, -5),
        (palette(nbits=4, mode="uniform"), "palettized", 4, 5),
        (palette(nbits=4, granularity="per_grouped_channel", group_size=4), "palettized", 4, 12),
        ({"sparsity": SPARSE}, "sparse", 16, 2),
        ({"sparsity": {"n_m_ratio": [2, 4], "weight_threshold": 0}}, "sparse", 16, 2),
        ({"sparsity": SPARSE, **palette(nbits=4)}, "sparse palettized", 4, 2),
        ({"sparsity": SPARSE, **linear()}, "sparse linear per_channel", 8, 2),
    ],
)
def test_every_form_is_in_the_file_and_still_computes(
    quantization: dict[str, Any], form: str, bits: int, least_snr: float, session: ConversionSession, convert: Any
) -> None:
    conversion = convert(quantization=quantization)
    weight = next(item for item in conversion.inspection.weights if item.layer == "mix" and item.kind == "weight")
    assert weight.quantization == form
    assert weight.dtype.endswith(str(bits))
    assert snr(session, conversion.path) > least_snr


def test_names_metadata_and_image_input(convert: Any) -> None:
    conversion = convert()
    assert {item.layer for item in conversion.inspection.weights if item.kind == "weight"} == {
        "stem_0",
        "depthwise_0",
        "mix",
        "head",
    }
    facts = conversion.inspection.metadata
    assert (facts["author"], facts["license"], facts["version"]) == ("Ann", "MIT", "7")
    assert conversion.inspection.inputs[0].dtype == "image RGB"
    assert conversion.inspection.outputs[0].name == "output"


@pytest.mark.parametrize("std", [(0.25,), (0.2, 0.25, 0.3)])
def test_image_scale_and_bias_are_exact_for_unequal_channels_too(
    std: tuple[float, ...], load: Callable[..., Any], tmp_path: Path
) -> None:
    source = load(mean=(0.4, 0.5, 0.6), std=std)
    session = ConversionSession(source, None, 1)
    conversion = session.convert(target(quantization={"precision": "float32"}), tmp_path)
    assert snr(session, conversion.path) > 90


def test_tensor_input_on_request(session: ConversionSession, convert: Any) -> None:
    conversion = convert(input_kind="tensor")
    assert conversion.inspection.inputs[0].dtype == "float32"
    assert snr(session, conversion.path) > 50


@pytest.mark.slow
def test_class_labels_make_a_classifier(load: Callable[..., Any], tmp_path: Path) -> None:
    names = tmp_path / "labels.txt"
    names.write_text("\n".join("abcde"))
    session = ConversionSession(load(labels=names), None, 1)
    conversion = session.convert(target(), tmp_path)
    assert "classLabel" in [fact.name for fact in conversion.inspection.outputs]
    assert snr(session, conversion.path) > 50


@pytest.mark.slow
def test_what_was_left_alone_is_said_with_its_bytes(convert: Any) -> None:
    """Protects users from settings that did nothing: threshold, groups that do not divide, rules."""
    left = {item.name: item for item in convert(quantization=linear(weight_threshold=2048)).left_alone}
    assert set(left) == {"stem_0", "depthwise_0", "head"}
    assert left["head"].reason == "80 elements, not more than weight_threshold 2048"
    assert left["head"].size_bytes == 160
    grouped = palette(nbits=4, granularity="per_grouped_channel", group_size=16)
    left = {item.name: item.reason for item in convert(quantization=grouped).left_alone}
    assert left == {"head": "5 channels cannot be divided into groups of 16"}
    ruled = {**linear(), "rules": [{"op_name": "^head$", "weights": "none"}]}
    assert [(item.name, item.reason) for item in convert(quantization=ruled).left_alone] == [
        ("head", "a rule leaves it alone")
    ]


def test_the_later_rule_wins(convert: Any) -> None:
    rules = [
        {"op_type": "conv", "weights": "none"},
        {"op_name": "^mix$", "weights": {"method": "palettization", "nbits": 4, "weight_threshold": 0}},
    ]
    inspection = convert(quantization={**linear(), "rules": rules}).inspection
    forms = {item.layer: item.quantization for item in inspection.weights if item.kind == "weight"}
    assert forms == {"stem_0": "none", "depthwise_0": "none", "mix": "palettized", "head": "linear per_channel"}


@pytest.mark.slow
def test_ops_stay_float32_by_rule(convert: Any) -> None:
    inspection = convert(quantization={"rules": [{"op_name": "^mix$", "precision": "float32"}]}).inspection
    dtypes = {op.name: op.dtype for op in inspection.ops if op.type == "conv"}
    assert dtypes["mix"] == "float32"
    assert dtypes["stem_0"] == "float16"


def test_a_table_larger_than_its_weight_is_a_warning(convert: Any) -> None:
    """Protects against palettization that adds bytes: 256 entries for 80 weights."""
    quantization = palette(nbits=8)
    conversion = convert(quantization=quantization)
    warnings = conversion_warnings(
        advice_for(target(quantization=quantization)), conversion.inspection, conversion.twin, ()
    )
    assert any("became larger by compression" in warning and "head" in warning for warning in warnings)


@pytest.mark.slow
def test_int8_activations_are_calibrated_here(session: ConversionSession, convert: Any) -> None:
    quantization = {**linear(), "activations": {"observer": "min_max"}}
    conversion = convert("iOS 17", quantization=quantization)
    assert {"quantize", "dequantize"} <= set(conversion.inspection.ops_by_type())
    assert [op.name for op in conversion.inspection.integer_ops() if op.type == "conv"]
    assert snr(session, conversion.path) > 12
    kept = convert("iOS 17", quantization={**quantization, "rules": [{"op_type": "conv", "activations": "none"}]})
    assert not [op for op in kept.inspection.integer_ops() if op.type == "conv"]


def test_equalization_changes_no_float_output(session: ConversionSession, convert: Any) -> None:
    conversion = convert(quantization={"precision": "float32", "equalize": True})
    assert snr(session, conversion.path) > 80


def test_an_onnx_source_is_refused(tmp_path: Path) -> None:
    import torch

    from exporter.data.settings.model import ModelSettings
    from exporter.sources.load import load_source
    from tests.data import small_models

    path = tmp_path / "net.onnx"
    torch.onnx.export(small_models.small(), (torch.zeros(1, 3, 16, 16),), str(path), dynamo=False)
    source = load_source(str(path), ModelSettings())
    with pytest.raises(UsageProblem, match="coremltools dropped ONNX"):
        ConversionSession(source, None, 1).convert(target(), tmp_path)


def test_a_source_that_cannot_be_equalized_is_converted_and_that_is_said(tmp_path: Path) -> None:
    import torch

    from exporter.data.settings.model import ModelSettings
    from exporter.sources.load import load_source
    from tests.data import small_models

    path = tmp_path / "script.pt"
    torch.jit.trace(small_models.small(), torch.zeros(1, 3, 16, 16)).save(str(path))
    source = load_source(str(path), ModelSettings.model_validate({"inputs": ({"shape": (1, 3, 16, 16)},)}))
    session = ConversionSession(source, None, 1)
    conversion = session.convert(target(quantization={**linear(), "equalize": True}), tmp_path)
    assert [note for note in conversion.notes if note.startswith("the weights were not equalized")]
    assert snr(session, conversion.path) > 25
