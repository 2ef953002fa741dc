"""ONNX files: what a target asks for is in the file, and the file computes what the source computes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from pydantic import ValidationError

from exporter.data.errors import UsageProblem
from exporter.datasets.dataset import Dataset
from exporter.formats.format import Origin
from exporter.formats.onnx.nodes import sort_nodes
from exporter.formats.onnx.settings import OnnxTarget
from exporter.formats.registry import format_named
from exporter.formats.session import Conversion, ConversionSession
from exporter.verification.runners import TorchRunner
from profilers.host import host_readings
from profilers.plan import ProfilePlan

IMAGES = np.random.default_rng(0).standard_normal((16, 3, 16, 16)).astype(np.float32)
ONNX = format_named("onnx")


def target(**settings: Any) -> OnnxTarget:
    return OnnxTarget.model_validate({"name": "t", "format": "onnx", "minimum_os": "Android 12", **settings})


@pytest.fixture(scope="module")
def session(load: Callable[..., Any]) -> ConversionSession:
    data = Dataset("noise", "0", len(IMAGES), lambda index: (IMAGES[index],), None)
    return ConversionSession(load(), data, len(IMAGES))


@pytest.fixture
def convert(session: ConversionSession, tmp_path: Path) -> Callable[..., Conversion]:
    return lambda **settings: session.convert(target(**settings), tmp_path)


def snr(session: ConversionSession, path: Path) -> float:
    source = session.graph.source
    runner = ONNX.evaluator("onnxruntime", path, Origin(source.description))
    (wanted,), (found,) = TorchRunner(source.module)([IMAGES[:1]]), runner([IMAGES[:1]])
    return float(10 * np.log10(np.square(wanted).sum() / max(np.square(wanted - found).sum(), 1e-30)))


@pytest.mark.parametrize(
    ("quantization", "least_snr", "bits", "dtypes"),
    [
        ({"mode": "float32"}, 100, 32, {"float32"}),
        ({"mode": "float16"}, 50, 16, {"float16"}),
        ({"mode": "dynamic_int8"}, 35, 8, {"uint8"}),
        ({"mode": "static_int8"}, 30, 10, {"int8"}),
        ({"mode": "static_int8", "granularity": "per_tensor", "activation_type": "uint8"}, 25, 9, {"int8"}),
        ({"mode": "static_int8", "observer": "entropy"}, 15, 10, {"int8"}),
        ({"mode": "static_int8", "observer": "percentile", "percentile": 0.999}, 15, 10, {"int8"}),
    ],
)
def test_weights_have_the_form_asked_for(
    quantization: dict[str, Any], least_snr: float, bits: float, dtypes: set[str], session: Any, convert: Any
) -> None:
    made = convert(quantization=quantization)
    assert snr(session, made.path) > least_snr
    assert made.inspection.bits_per_weight() <= bits
    assert {weight.dtype for weight in made.inspection.weights if weight.kind == "weight"} == dtypes
    assert not made.left_alone


@pytest.mark.parametrize("mode", ["float16", "dynamic_int8", "static_int8"])
@pytest.mark.parametrize("rule", [{"op_name": "^head$"}, {"op_type": "Gemm"}])
def test_a_rule_keeps_its_nodes_in_float(mode: str, rule: dict[str, str], convert: Any) -> None:
    """By the operator, and by the name of the PyTorch layer."""
    made = convert(quantization={"mode": mode, "rules": [rule]})
    kept = {weight.layer: weight.dtype for weight in made.inspection.weights if weight.kind == "weight"}
    assert [dtype for layer, dtype in kept.items() if "head" in layer] == ["float32"]
    assert "float32" not in {dtype for layer, dtype in kept.items() if "head" not in layer}
    assert [item.reason for item in made.left_alone] == (["a rule leaves it alone"] if mode != "float16" else [])


def test_a_rule_that_selects_nothing_is_refused(convert: Any) -> None:
    with pytest.raises(UsageProblem, match=r"rules.0: op_name 'nothing' matches no node; nodes are like stem.0"):
        convert(quantization={"mode": "float16", "rules": [{"op_name": "nothing"}]})


@pytest.mark.parametrize(
    ("runtime", "opset", "ir_version"), [("1.8", 14, 7), ("1.11", 15, 7), ("1.12", 17, 8), ("1.23", 17, 8)]
)
def test_the_oldest_runtime_decides_opset_and_ir_version(
    runtime: str, opset: int, ir_version: int, session: Any, convert: Any
) -> None:
    """An app with an older ONNX Runtime refuses the file otherwise."""
    made = convert(minimum_runtime=runtime, quantization={"mode": "static_int8"})
    model = onnx.load(str(made.path))
    assert {item.version for item in model.opset_import if item.domain in ("", "ai.onnx")} == {opset}
    assert model.ir_version <= ir_version
    assert snr(session, made.path) > 30


@pytest.mark.parametrize(
    "settings",
    [
        {"minimum_runtime": "1.5"},
        {"minimum_runtime": "2"},
        {"quantization": {"rules": [{"op_type": "Conv"}]}},
        {"quantization": {"mode": "float16", "granularity": "per_tensor"}},
        {"quantization": {"mode": "dynamic_int8", "observer": "entropy"}},
    ],
)
def test_settings_that_cannot_be_had_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        target(**settings)


def test_static_int8_needs_data(load: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="--calibration"):
        ConversionSession(load(), None, 1).convert(target(quantization={"mode": "static_int8"}), tmp_path)


def test_it_is_measured_in_fresh_processes(convert: Any) -> None:
    """Latency, load time and memory of this machine, one group a process."""
    runner = ONNX.host_runner()
    assert runner is not None
    plan = ProfilePlan(processes=2, runs=5, min_s=0, warmup_runs=1, warmup_min_s=0, energy_repeats=0)
    readings = {reading.metric: reading for reading in host_readings(convert().path, plan, runner)}
    assert readings["latency"].groups == (5, 5)
    assert readings["latency"].source.startswith("onnxruntime_in_process")
    assert all(sample > 0 for sample in readings["memory.peak"].samples)


def test_layers_of_a_quantized_file_are_compared_behind_their_quantization(session: Any, convert: Any) -> None:
    """A folded normalization stands with its convolution, and no layer is far from the source."""
    source = session.graph.source
    assert ONNX.layers is not None
    path = convert(quantization={"mode": "static_int8"}).path
    layers = ONNX.layers(path, Origin(source.description), source.module, [IMAGES[:1]])
    assert not layers.not_matched
    found = {layer.module: layer for layer in layers.compared}
    assert found["stem.0"].kind == "Conv2d, BatchNorm2d"
    assert {"depthwise.0", "mix", "head", "(model)"} <= set(found)
    assert 25 < min(layer.snr_db for layer in found.values()) < 100


def test_class_names_lie_in_the_file(load: Callable[..., Any], tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join("abcde"))
    made = ConversionSession(load(labels=labels), None, 1).convert(target(), tmp_path)
    assert ONNX.file_facts(made.path).labels == tuple("abcde")


def test_nodes_are_brought_into_order() -> None:
    """Other readers refuse a file whose nodes read what is written later."""
    nodes = [onnx.helper.make_node("Relu", ["b"], ["c"]), onnx.helper.make_node("Relu", ["a"], ["b"])]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [], []))
    sort_nodes(model)
    assert [node.output[0] for node in model.graph.node] == ["b", "c"]
