"""A small network with a layer of every kind that is stored differently, and its float32 flatbuffer."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from exporter.data.facts.hints import CompressionHints
from exporter.data.facts.source import InputSpec, SourceDescription, SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.datasets.dataset import Dataset
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.tflite.conversion.converter import TfliteConverter
from exporter.formats.tflite.inspection.reader import inspect_tflite
from exporter.formats.tflite.settings import TfliteTarget
from exporter.sources.source import ModelSource

IMAGES = np.random.default_rng(0).standard_normal((8, 1, 3, 12, 12)).astype(np.float32)


class Mixed(nn.Module):
    """Convolutions (plain, depthwise, of groups, transposed) and a linear layer, of 1,024 weights and more."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 3, padding=1)
        self.depthwise = nn.Conv2d(64, 128, 3, padding=1, groups=64)
        self.groups = nn.Conv2d(128, 64, 3, padding=1, groups=2)
        self.mix = nn.Conv2d(64, 32, 1)
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.head = nn.Linear(16, 70)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits."""
        found = torch.relu(self.depthwise(torch.relu(self.stem(image))))
        found = self.up(torch.relu(self.mix(torch.relu(self.groups(found)))))
        return self.head(torch.relu(found).mean((2, 3)))


def network(kind: type[nn.Module] = Mixed) -> nn.Module:
    """The network with weights that are always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind().eval()


def converter(module: nn.Module, hints: CompressionHints | None = None) -> TfliteConverter:
    """Converts `module`; calibration data is `IMAGES`."""
    inputs = (InputSpec(name="image", shape=IMAGES.shape[1:]),)
    description = SourceDescription(
        spec="test", kind=SourceKind.FACTORY, digest="", inputs=inputs, outputs=("output",), parameters=0, size_bytes=0
    )
    source = ModelSource(description, ModelSettings(), module, hints=hints or CompressionHints())
    return TfliteConverter(
        SourceGraph(source, Dataset("images", "", len(IMAGES), lambda index: (IMAGES[index][0],)), len(IMAGES))
    )


@cache
def mixed() -> TfliteConverter:
    """The converter of `Mixed`, which makes its float32 file once for all tests."""
    return converter(network())


class Made:
    """An artifact as tests look at it."""

    def __init__(self, made: TfliteConverter, **settings: Any) -> None:
        base = {"name": "t", "format": "tflite", "minimum_os": "Android 12", "layout": "NCHW"}
        target = TfliteTarget.model_validate({**base, "quantization": settings})
        with TemporaryDirectory() as folder:
            path = Path(folder, "model.tflite")
            self.notes = made.convert(target, path, Path(folder, "twin.tflite")).notes
            self.content = path.read_bytes()
            self.inspection = inspect_tflite(path)

    def dtypes(self) -> dict[str, str]:
        """Type of the weight of each layer."""
        return {weight.layer: weight.dtype for weight in self.inspection.weights if weight.kind == "weight"}

    def run(self) -> np.ndarray[Any, Any]:
        """Outputs for `IMAGES`."""
        from ai_edge_litert.interpreter import Interpreter

        model = Interpreter(model_content=self.content, num_threads=1)
        model.allocate_tensors()
        found = []
        for image in IMAGES:
            model.set_tensor(model.get_input_details()[0]["index"], image)
            model.invoke()
            found.append(model.get_tensor(model.get_output_details()[0]["index"])[0].copy())
        return np.stack(found)


def snr_of(made: Made, module: nn.Module | None = None) -> float:
    """Signal-to-noise ratio of `made` against torch, in dB."""
    from profilers.decibels import snr_db

    with torch.no_grad():
        own = module or network()
        wanted = np.stack([own(torch.from_numpy(image))[0].numpy() for image in IMAGES])
    return float(snr_db(wanted, made.run()))
