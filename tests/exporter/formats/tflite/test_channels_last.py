"""A source with channels last keeps its order of axes in TFLite."""

from pathlib import Path

import numpy as np
import pytest

from exporter.data.settings.model import InputSettings, ModelSettings
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.settings import TfliteTarget
from exporter.sources.load import load_source
from exporter.verification.runners import TorchRunner

SOURCE = '''
import torch
from torch import nn
class Net(nn.Module):
    """(N, 12, 20, 3) -> (N, 12, 20, 4): channels last on both ends."""
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.c = nn.Conv2d(3, 4, 3, padding=1)
    def forward(self, x):
        return self.c(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
'''


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_maps_of_a_channels_last_source(tmp_path: Path, layout: str) -> None:
    """Run by hand in LiteRT: NHWC gives the source's own axes, NCHW its channels first."""
    from ai_edge_litert.interpreter import Interpreter

    path = tmp_path / "net.py"
    path.write_text(SOURCE)
    settings = ModelSettings(inputs=(InputSettings(shape=(1, 12, 20, 3)),), layout="NHWC")
    source = load_source(f"{path}:Net", settings)
    target = TfliteTarget.model_validate(
        {"name": "t", "format": "tflite", "minimum_os": "Android 12", "layout": layout}
    )
    conversion = ConversionSession(source, None, 1).convert(target, tmp_path)
    image = np.random.default_rng(0).normal(size=(1, 12, 20, 3)).astype(np.float32)
    (wanted,) = TorchRunner(source.module)([image])
    model = Interpreter(str(conversion.path))
    model.allocate_tensors()
    given = image if layout == "NHWC" else np.moveaxis(image, -1, 1)
    model.set_tensor(model.get_input_details()[0]["index"], np.ascontiguousarray(given))
    model.invoke()
    found = model.get_tensor(model.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, wanted if layout == "NHWC" else np.moveaxis(wanted, -1, 1), atol=1e-5)
