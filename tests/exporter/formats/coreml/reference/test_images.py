"""Images in and out: scale, bias and colour layout; never resized or converted."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from exporter.formats.coreml.reference import (
    ModelInputError,
    ReferenceModel,
)
from tests.exporter.formats.coreml.reference.programs import convert, coremltools, run


class _PlusOne(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


@pytest.mark.parametrize("colour", ["RGB", "BGR", "GRAYSCALE"])
def test_image_inputs_take_scale_bias_and_colour_layout(tmp_path: Path, colour: str) -> None:
    ct = coremltools()
    channels = 1 if colour == "GRAYSCALE" else 3
    image_type = ct.ImageType(
        "x",
        shape=(1, channels, 6, 4),
        scale=1 / 127.5,
        bias=-1.0 if channels == 1 else [-1.0, -0.5, 0.0],
        color_layout=getattr(ct.colorlayout, colour),
    )
    convert(tmp_path / "m.mlpackage", _PlusOne(), (1, channels, 6, 4), inputs=[image_type])
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 3) if channels == 3 else (6, 4), dtype=np.uint8)
    (found,) = run(tmp_path / "m.mlpackage", {"x": Image.fromarray(pixels)})
    planes = pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)[:: -1 if colour == "BGR" else 1]
    shift = np.array([-1.0, -0.5, 0.0][:channels]).reshape(-1, 1, 1)
    np.testing.assert_allclose(found[0], planes / 127.5 + shift + 1, atol=1e-5)


def test_images_are_neither_resized_nor_converted(tmp_path: Path) -> None:
    ct = coremltools()
    convert(tmp_path / "m.mlpackage", _PlusOne(), (1, 3, 6, 4), inputs=[ct.ImageType("x", shape=(1, 3, 6, 4))])
    model = ReferenceModel(tmp_path / "m.mlpackage")
    with pytest.raises(ModelInputError, match="images are not resized"):
        model.predict({"x": Image.new("RGB", (6, 4))})
    with pytest.raises(ModelInputError, match=r"image\.convert\('RGB'\)"):
        model.predict({"x": Image.new("L", (4, 6))})
    with pytest.raises(ModelInputError, match="give a PIL image"):
        model.predict({"x": np.zeros((1, 3, 6, 4), np.float32)})


def test_image_outputs_are_pictures(tmp_path: Path) -> None:
    ct = coremltools()
    convert(
        tmp_path / "m.mlpackage",
        torch.nn.ReLU(),
        (1, 3, 5, 4),
        inputs=[ct.ImageType("x", shape=(1, 3, 5, 4))],
        outputs=[ct.ImageType("y")],
    )
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    (found,) = run(tmp_path / "m.mlpackage", {"x": Image.fromarray(pixels)})
    assert np.array_equal(np.asarray(found), pixels)
