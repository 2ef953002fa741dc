"""What compression decided is in the files: integers, ranges and tables are compared bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressedModel, CompressionData
from exporter.compression.recipe import parse_recipe
from exporter.data.facts.source import InputSpec, SourceDescription, SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.datasets.dataset import Dataset
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.conversion.converter import CoremlConverter
from exporter.formats.coreml.reference import ReferenceModel
from exporter.formats.coreml.settings import Activations, CoremlQuantization, CoremlTarget
from exporter.formats.tflite.conversion.converter import TfliteConverter
from exporter.formats.tflite.settings import TfliteQuantization, TfliteTarget
from exporter.sources.source import ModelSource
from tests.exporter.compression.networks import SIZE, Limited, Padded, Small, learnable, seeded

IMAGES = learnable(64)[0]
TRAINING = {"epochs": 1, "batch_size": 16, "learning_rate": 0.01}
QAT = {"method": "quantization_aware_training", "training": TRAINING}


def compressed(*steps: dict[str, Any], kind: type[nn.Module] = Small) -> CompressedModel:
    data = CompressionData(((IMAGES[:32],),), torch.utils.data.TensorDataset(IMAGES))
    example = (torch.zeros(1, 3, SIZE, SIZE),)
    return apply_recipe(seeded(kind), example, parse_recipe("test", {"steps": list(steps)}), data)


def graph_of(model: CompressedModel) -> SourceGraph:
    inputs = (InputSpec(name="image", shape=(1, 3, SIZE, SIZE)),)
    description = SourceDescription(
        spec="test", kind=SourceKind.FACTORY, digest="", inputs=inputs, outputs=("output",), parameters=0, size_bytes=0
    )
    source = ModelSource(description, ModelSettings(), model.module, hints=model.hints)
    dataset = Dataset("images", "", len(IMAGES), lambda index: (IMAGES[index].numpy(),))
    return SourceGraph(source, dataset, 8)


def integers(weight: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The int8 grid coordinates of a weight: what it was trained as."""
    rows = weight.reshape(len(weight), -1)
    scale = np.abs(rows).max(1, keepdims=True) / 127
    return np.rint(rows / np.maximum(scale, 1e-12)).astype(np.int8).reshape(weight.shape)


def weights(model: CompressedModel) -> dict[str, np.ndarray[Any, Any]]:
    return {name: value.detach().numpy() for name, value in model.module.named_parameters() if name.endswith(".weight")}


def tflite_tensors(path: Path) -> dict[str, tuple[np.ndarray[Any, Any], Any]]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    return {
        item["name"]: (interpreter.get_tensor(item["index"]), item["quantization_parameters"])
        for item in interpreter.get_tensor_details()
        if item["dtype"] == np.int8
    }


def torch_layout(stored: np.ndarray[Any, Any], like: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """TFLite's OHWI and 1HWO weights as torch's OIHW."""
    if stored.ndim == 4:
        depthwise = stored.shape[0] == 1 and like.shape[1] == 1 and like.shape[0] > 1
        stored = stored.transpose(3, 0, 1, 2) if depthwise else stored.transpose(0, 3, 1, 2)
    return stored.reshape(like.shape)


CASES: list[tuple[type[nn.Module], dict[str, Any]]] = [
    (Small, QAT),
    (Small, {"method": "static_quantization", "equalize": True}),
    (Padded, {**QAT, "ranges": "learned"}),
    (Limited, {"method": "static_quantization", "equalize": True, "bias_correction": True}),
    (Small, {"method": "static_quantization", "rounding": "gptq"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "step"), CASES, ids=["QAT", "equalized static", "LSQ, padded shortcut", "equalized ReLU6", "GPTQ"]
)
def test_integers_and_ranges_reach_tflite(kind: type[nn.Module], step: dict[str, Any], tmp_path: Path) -> None:
    """Protects quantization in PyTorch: the file holds its integers bit for bit, and only its activation scales."""
    model = compressed(step, kind=kind)
    target = TfliteTarget(
        name="t", format="tflite", minimum_os="Android 12", quantization=TfliteQuantization(mode="int8")
    )
    TfliteConverter(graph_of(model)).convert(target, tmp_path / "model.tflite", tmp_path / "twin.tflite")
    tensors = tflite_tensors(tmp_path / "model.tflite")
    for name, weight in weights(model).items():
        assert np.array_equal(torch_layout(tensors[name][0], weight), integers(weight)), name
    learned = np.array([(item.maximum - item.minimum) / 255 for item in model.hints.activations])
    found = {float(item["scales"][0]) for _, item in tensors.values() if len(item["scales"]) == 1}
    assert len(found) > 3
    assert all(np.isclose(learned, scale, rtol=1e-5).any() for scale in found)


@pytest.mark.slow
def test_integers_reach_coreml_w8a8(tmp_path: Path) -> None:
    """Protects the same for Core ML: int8 weights bit for bit, and outputs as torch rounds them."""
    model = compressed(QAT)
    quantization = CoremlQuantization(activations=Activations(scheme="affine"))
    program = coreml(model, tmp_path, quantization)
    stored = [op.data.val for op in program if op.op_type == "constexpr_blockwise_shift_scale"]
    wanted = [integers(weight) for weight in weights(model).values()]
    assert len(stored) == len(wanted)
    for values in stored:
        assert any(values.shape == own.shape and np.array_equal(values, own) for own in wanted)
    assert sum(op.op_type == "quantize" for op in program) >= len(model.hints.activations) - 2
    reference = ReferenceModel(tmp_path / "Model.mlpackage")
    got = np.concatenate([next(iter(reference.predict({"image": image[None].numpy()}).values())) for image in IMAGES])
    assert (got.argmax(1) == model.module(IMAGES).numpy().argmax(1)).mean() > 0.9


COREML: dict[str, tuple[list[dict[str, Any]], str]] = {
    "table": ([{"method": "weight_sharing", "bits": 3}], "constexpr_lut_to_dense"),
    "grouped table": (
        [{"method": "weight_sharing", "bits": 2, "granularity": "per_grouped_channel", "group_size": 4}],
        "constexpr_lut_to_dense",
    ),
    "binary": ([{"method": "binarization"}], "constexpr_lut_to_dense"),
    "grid": ([{"method": "weight_quantization", "bits": 4}], "constexpr_blockwise_shift_scale"),
    "grid of blocks": (
        [
            {
                "method": "weight_quantization",
                "bits": 4,
                "granularity": "per_block",
                "block_size": 4,
                "rules": [{"name": "^(stem|depthwise)$", "apply": False}],
            }
        ],
        "constexpr_blockwise_shift_scale",
    ),
    "sparse": ([{"method": "magnitude_pruning", "sparsity": 0.7}], "constexpr_sparse_to_dense"),
    "sparse table": (
        [{"method": "magnitude_pruning", "sparsity": 0.7}, {"method": "weight_sharing", "bits": 4}],
        "constexpr_lut_to_sparse",
    ),
    "table found on data": (
        [{"method": "weight_sharing", "bits": 3, "rounding": "gptq"}],
        "constexpr_lut_to_dense",
    ),
    "sparse table found on data": (
        [
            {"method": "magnitude_pruning", "sparsity": 0.7},
            {"method": "weight_sharing", "bits": 4, "rounding": "gptq", "min_elements": 0},
        ],
        "constexpr_lut_to_sparse",
    ),
    "grid rounded on data": (
        [{"method": "weight_quantization", "bits": 4, "rounding": "gptq"}],
        "constexpr_blockwise_shift_scale",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "operation"), COREML.values(), ids=COREML)
def test_coreml_stores_each_weight_in_its_trained_form(
    steps: list[dict[str, Any]], operation: str, tmp_path: Path
) -> None:
    """Protects the hand-over: every hinted weight is stored so, none is clustered again, and the outputs agree."""
    model = compressed(*steps)
    program = coreml(model, tmp_path, CoremlQuantization())
    stored = [op for op in program if op.op_type == operation]
    small = [form for form in model.hints.weights if "lut" in operation and form.form != "table"]  # sparse alone
    assert len(stored) == len(model.hints.weights) - len(small)
    if operation == "constexpr_lut_to_dense" and steps[0]["method"] == "weight_sharing":
        trained = [set(np.unique(value.astype(np.float16)).tolist()) for value in weights(model).values()]
        # A table with fewer values than entries is filled up with zeros.
        assert all(any(set(np.unique(op.lut.val).tolist()) - {0.0} <= values for values in trained) for op in stored)
    if operation == "constexpr_blockwise_shift_scale":
        for op in stored:
            scales = np.repeat(op.scale.val, op.data.val.shape[1] // op.scale.val.shape[1], axis=1)
            assert any(
                op.data.val.shape == own.shape and np.allclose(op.data.val * scales, own, rtol=2e-3, atol=1e-6)
                for own in weights(model).values()
            )
    reference = ReferenceModel(tmp_path / "Model.mlpackage")
    got = next(iter(reference.predict({"image": IMAGES[:1].numpy()}).values()))
    assert np.allclose(got, model.module(IMAGES[:1]).numpy(), atol=0.05)


def coreml(model: CompressedModel, folder: Path, quantization: CoremlQuantization) -> list[Any]:
    """Operations of the converted package."""
    from exporter.formats.coreml.reference.files.package import read_model_file
    from exporter.formats.coreml.reference.files.program import load_program

    target = CoremlTarget(
        name="t", format="coreml", minimum_os="iOS 18", input_kind="tensor", quantization=quantization
    )
    CoremlConverter(graph_of(model)).convert(target, folder / "Model.mlpackage", folder / "Twin.mlpackage")
    return list(load_program(read_model_file(folder / "Model.mlpackage")).functions["main"].operations)
