"""Compressed constants of ML programs, nested in each other, as coremltools' own optimizer writes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from exporter.execution.heavy import load, quiet
from exporter.formats.coreml.reference import ReferenceModel
from exporter.formats.files import inspect
from tests.exporter.formats.coreml.reference.programs import build, convert

Compress = Callable[[Any, Any], Any]
_SPARSITY = 0.6


def _config(optimizer: Any, kind: str, **settings: Any) -> Any:
    return optimizer.OptimizationConfig(getattr(optimizer, kind)(weight_threshold=0, **settings))


def palettized(optimizer: Any, model: Any, joint: bool = False, **settings: Any) -> Any:
    config = _config(optimizer, "OpPalettizerConfig", nbits=4, **settings)
    return optimizer.palettize_weights(model, config, joint_compression=joint)


def quantized(optimizer: Any, model: Any, joint: bool = False, **settings: Any) -> Any:
    config = _config(optimizer, "OpLinearQuantizerConfig", dtype="int8", **settings)
    return optimizer.linear_quantize_weights(model, config, joint_compression=joint)


def pruned(optimizer: Any, model: Any) -> Any:
    return optimizer.prune_weights(model, _config(optimizer, "OpMagnitudePrunerConfig", target_sparsity=_SPARSITY))


FORMS: dict[str, tuple[Compress, str]] = {
    "palettized": (palettized, "palettized"),
    "scaled": (lambda o, m: palettized(o, m, enable_per_channel_scale=True), "palettized with per_channel_scale"),
    "groups": (
        lambda o, m: palettized(o, m, enable_per_channel_scale=True, granularity="per_grouped_channel", group_size=4),
        "palettized with per_channel_scale",
    ),
    "int8 table": (
        lambda o, m: quantized(o, palettized(o, m), joint=True, granularity="per_tensor"),
        "palettized with int8 table",
    ),
    "sparse": (pruned, "sparse"),
    "sparse palettized": (lambda o, m: palettized(o, pruned(o, m), joint=True), "sparse palettized"),
    "sparse linear": (lambda o, m: quantized(o, pruned(o, m), joint=True), "sparse linear per_channel"),
    "all": (
        lambda o, m: quantized(o, palettized(o, pruned(o, m), joint=True), joint=True, granularity="per_tensor"),
        "sparse palettized with int8 table",
    ),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Any:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Conv2d(16, 8, 3))
    return convert(tmp_path_factory.mktemp("plain") / "m.mlpackage", net, (1, 8, 9, 9), precision="FLOAT16")


@pytest.mark.parametrize("name", FORMS)
def test_every_compressed_form_is_counted(plain: Any, tmp_path: Path, name: str) -> None:
    """Against the evaluator's own decompression, and against the weight file: tables that are quantized crashed."""
    compress, words = FORMS[name]
    path = tmp_path / "m.mlpackage"
    with quiet():
        compress(load("coremltools.optimize.coreml"), plain).save(str(path))
    facts = inspect(path)
    weights = [item for item in facts.weights if item.kind == "weight"]
    decompressed = ReferenceModel(path).weights().values()
    for fact, values in zip(weights, decompressed, strict=True):
        assert fact.quantization == words
        assert fact.shape == values.shape
        assert fact.nonzeros == np.count_nonzero(values)
        assert fact.distinct == len(np.unique(values))
    stored = (path / "Data/com.apple.CoreML/weights/weight.bin").stat().st_size
    counted = sum(item.size_bytes for item in facts.weights)
    # The file holds a header, a record of 64 bytes a constant, and each at a multiple of 64; tiny ones lie elsewhere.
    assert counted * 0.8 < stored < counted + 64 + 2 * 64 * 6 * len(facts.weights)


def test_masks_are_constants_too(tmp_path: Path) -> None:
    """A boolean mask takes a byte an element, and was left out."""
    mask = np.arange(32).reshape(1, 32) % 4 == 0
    path = build(
        tmp_path / "m.mlpackage",
        lambda mb, x: mb.select(cond=mask, a=x, b=np.zeros((1, 32), np.float32)),
        {"x": (1, 32)},
    )
    found = {item.dtype: item for item in inspect(path).weights}
    assert (found["bool"].size_bytes, found["bool"].nonzeros, found["bool"].distinct) == (32, 8, 2)
