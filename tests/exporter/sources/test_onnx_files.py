"""ONNX files as people have them: channels last, TensorFlow's names, pixels of uint8."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from exporter.config.model import parse_shape
from exporter.data.errors import UsageProblem
from exporter.data.settings.model import ModelSettings
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.settings import TfliteTarget
from exporter.sources.load import load_source


class Last(nn.Module):
    """A network with channels last, as tf2onnx writes TensorFlow's: (N, H, W, C) -> (N, H, W, 4)."""

    def __init__(self, channels: int = 3, pixels: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last, self.pixels = nn.Conv2d(channels, 8, 3, padding=1), nn.Conv2d(8, 4, 1), pixels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.to(torch.float32) / 255 if self.pixels else x
        return self.last(self.first(x.permute(0, 3, 1, 2)).relu()).permute(0, 2, 3, 1)


def export(path: Path, net: nn.Module, *examples: torch.Tensor, dynamic: bool = False, **more: Any) -> str:
    axes = {"in:0": {0: "unk__1"}, "out:0": {0: "unk__1"}} if dynamic else None
    names = {"input_names": ["in:0"], "output_names": ["out:0"], **more}
    torch.onnx.export(net.eval(), examples, str(path), dynamo=False, dynamic_axes=axes, **names)
    return str(path)


def converted(spec: str, folder: Path, **settings: Any) -> tuple[Any, Callable[[np.ndarray], np.ndarray]]:  # type: ignore[type-arg]
    """The source and its TFLite file, run by LiteRT by hand."""
    from ai_edge_litert.interpreter import Interpreter

    source = load_source(spec, ModelSettings.model_validate(settings))
    target = TfliteTarget.model_validate({"name": "t", "format": "tflite", "minimum_os": "Android 12"})
    path = ConversionSession(source, None, 1).convert(target, folder).path
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (given,), (gives,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(value: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        interpreter.set_tensor(given["index"], value)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(gives["index"]))

    return source, run


@pytest.mark.parametrize("layout", [None, "NHWC"])
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("size", [(12, 20), (12, 12)])
def test_channels_last_are_kept(layout: str | None, dynamic: bool, size: tuple[int, int], tmp_path: Path) -> None:
    """Right values come from torch: neither input nor output may change its axes, also where H equals W."""
    net, example = Last(), torch.rand(1, *size, 3)
    spec = export(tmp_path / "n.onnx", net, example, dynamic=dynamic)
    source, run = converted(spec, tmp_path, **({"layout": layout} if layout else {}))
    assert source.description.inputs[0].name == "in:0"
    assert source.description.output_shapes == ((1, *size, 4),)
    np.testing.assert_allclose(run(example.numpy()), net(example).detach().numpy(), atol=1e-5)


def test_channels_last_that_are_no_image_s_are_kept_with_layout(tmp_path: Path) -> None:
    net, example = Last(channels=7), torch.rand(1, 10, 6, 7)
    _, run = converted(export(tmp_path / "n.onnx", net, example), tmp_path, layout="NHWC")
    np.testing.assert_allclose(run(example.numpy()), net(example).detach().numpy(), atol=1e-5)


def test_pixels_of_uint8_are_taken_as_they_are(tmp_path: Path) -> None:
    net, example = Last(pixels=True), torch.randint(0, 256, (1, 10, 6, 3), dtype=torch.uint8)
    source, run = converted(export(tmp_path / "n.onnx", net, example), tmp_path)
    assert source.description.inputs[0].dtype == "uint8"
    np.testing.assert_allclose(run(example.numpy()), net(example).detach().numpy(), atol=1e-5)
    with pytest.raises(UsageProblem, match="takes pixels as they are"):
        load_source(str(tmp_path / "n.onnx"), ModelSettings(mean=(0.5,)))


@pytest.mark.parametrize("dtype", [torch.bool, torch.int8, torch.float16, torch.float64, torch.uint8])
def test_other_element_types_are_one_clear_sentence(dtype: torch.dtype, tmp_path: Path) -> None:
    class Cast(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.to(torch.float32) + 1

    spec = export(tmp_path / "n.onnx", Cast(), torch.zeros(1, 5, dtype=dtype))
    with pytest.raises(UsageProblem, match=r"input in:0 takes .*can be converted\. Give the model one of these"):
        load_source(spec, ModelSettings())


def test_a_shape_for_an_input_that_is_not_there_is_said(tmp_path: Path) -> None:
    class Two(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x + y

    spec = export(tmp_path / "n.onnx", Two(), torch.zeros(1, 5), torch.zeros(1, 5), input_names=["a:0", "b:0"])
    with pytest.raises(UsageProblem, match="no input c:0; its inputs are a:0, b:0"):
        load_source(spec, ModelSettings(inputs=(parse_shape("c:0=1,5"),)))
    assert load_source(spec, ModelSettings(inputs=(parse_shape("a:0=1,5"),))).description.output_shapes == ((1, 5),)
