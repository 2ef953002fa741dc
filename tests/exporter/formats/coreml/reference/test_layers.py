"""The first layer where an artifact leaves its source is found and named."""

from pathlib import Path

import pytest
import torch

from exporter.data.facts.layers import LayerComparison
from exporter.formats.coreml.reference import ReferenceModel
from exporter.formats.coreml.reference.layers import compare_layers
from tests.exporter.formats.coreml.reference.programs import SmallNet, convert


def _compare(path: Path, net: torch.nn.Module) -> list[LayerComparison]:
    x = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    return list(compare_layers(ReferenceModel(path), {"x": x.numpy()}, net, (x,)).compared)


def _divergence(layers: list[LayerComparison], least_snr_db: float) -> LayerComparison | None:
    return next((layer for layer in layers if not layer.snr_db >= least_snr_db), None)


def test_a_faithful_artifact_matches_every_layer_that_computes(tmp_path: Path) -> None:
    net = SmallNet()
    convert(tmp_path / "m.mlpackage", net, (1, 3, 16, 16), precision="FLOAT16")
    layers = _compare(tmp_path / "m.mlpackage", net)
    found = {layer.module for layer in layers}
    assert {"stem.0", "stem.2", "expand.0", "depthwise.0", "project.0", "head", "classifier"} <= found
    assert {layer.kind for layer in layers if layer.module == "stem.0"} == {"Conv2d, BatchNorm2d"}
    assert _divergence(layers, 40) is None


@pytest.mark.parametrize("spoiled", ["stem.0", "depthwise.0", "head", "classifier"])
def test_the_first_layer_with_other_weights_is_named(tmp_path: Path, spoiled: str) -> None:
    net, other = SmallNet(), SmallNet()
    with torch.no_grad():
        other.get_parameter(f"{spoiled}.weight").mul_(-1)
    convert(tmp_path / "m.mlpackage", other, (1, 3, 16, 16), precision="FLOAT16")
    divergence = _divergence(_compare(tmp_path / "m.mlpackage", net), 20)
    assert divergence is not None
    assert divergence.module == spoiled  # compared after the batch norm that was folded in
    assert divergence.source.shape == divergence.artifact.shape
    assert divergence.snr_db < 20
    assert "main[" in divergence.location


def test_infinities_are_counted_and_diverge(tmp_path: Path) -> None:
    net, other = SmallNet(), SmallNet()
    with torch.no_grad():
        other.head.weight.mul_(1e5)
    convert(tmp_path / "m.mlpackage", other, (1, 3, 16, 16), precision="FLOAT16")
    divergence = _divergence(_compare(tmp_path / "m.mlpackage", net), 20)
    assert divergence is not None
    assert divergence.module == "head"
    assert divergence.artifact.not_finite > 0
