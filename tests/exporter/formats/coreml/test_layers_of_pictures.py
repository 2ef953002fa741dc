"""Layers of an artifact that takes pictures are compared on what a picture can hold, on both sides."""

from pathlib import Path

import numpy as np
import torch

from exporter.data.facts.source import ImageSpec, InputSpec, SourceDescription
from exporter.formats.coreml.runner import compare_with_module
from exporter.formats.format import Origin
from tests.exporter.formats.coreml.reference.programs import convert, coremltools

PIXELS = ImageSpec(mean=(0.0,) * 3, std=(1.0,) * 3, color="RGB")


def test_an_example_outside_of_pixels_is_no_fault_of_the_artifact(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU())
    ct = coremltools()
    picture = ct.ImageType("x", shape=(1, 3, 8, 8), scale=1 / 255)
    convert(tmp_path / "m.mlpackage", net, (1, 3, 8, 8), precision="FLOAT16", inputs=[picture])
    description = SourceDescription(
        spec="net",
        kind="factory",
        digest="0" * 64,
        inputs=(InputSpec(name="x", shape=(1, 3, 8, 8), image=PIXELS),),
        outputs=("y",),
        parameters=224,
        size_bytes=896,
    )
    example = np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32)
    layers = compare_with_module(tmp_path / "m.mlpackage", Origin(description), net, [example]).compared
    assert [layer.module for layer in layers][:1] == ["0"]
    assert all(layer.snr_db > 40 for layer in layers)
