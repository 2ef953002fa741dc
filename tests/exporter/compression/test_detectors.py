"""A compressed detector with its head's decoding in the file: protects its head in parts, and its ranges."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from exporter.compression.apply import apply_recipe
from exporter.compression.forms.files import save_compressed
from exporter.compression.model import CompressionData
from exporter.compression.recipe import parse_recipe
from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.target import Target
from exporter.datasets.dataset import Dataset
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.format import Origin
from exporter.formats.registry import format_named
from exporter.formats.session import Conversion, ConversionSession
from exporter.formats.tflite.settings import TfliteTarget
from exporter.sources.load import load_source
from exporter.sources.modules import Found, from_module
from exporter.sources.source import ModelSource
from exporter.tasks.detection.infile import InFile, in_file
from exporter.tasks.detection.settings import Detection
from exporter.use_cases.job.postprocess import described, tail_of

pytestmark = pytest.mark.slow
SIZE = 32
SETTINGS = ModelSettings.model_validate(
    {"inputs": ({"name": "image", "shape": (1, 3, SIZE, SIZE)},), "mean": (0.5,), "std": (0.25,)}
)
TFLITE = TfliteTarget.model_validate(
    {
        "name": "t",
        "format": "tflite",
        "minimum_os": "Android 12",
        "postprocessing": "decoding",
        "quantization": {"mode": "int8"},
    }
)
COREML = CoremlTarget.model_validate(
    {
        "name": "c",
        "format": "coreml",
        "minimum_os": "iOS 17",
        "postprocessing": "decoding",
        "quantization": {
            "weights": {"method": "linear", "weight_threshold": 0},
            "activations": {"dtype": "int8", "observer": "min_max"},
        },
    }
)


class _Detector(nn.Module):
    """Boxes around cells and three scores; one channel is hardly more than its offset, as training leaves some."""

    centres: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 12, 4, 4, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU6(),
            nn.Conv2d(12, 12, 3, 1, 1, groups=12, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU6(),
            nn.Conv2d(12, 16, 1),
        )
        self.boxes, self.scores = nn.Conv2d(16, 4, 1), nn.Conv2d(16, 3, 1)
        places = torch.stack(torch.meshgrid(*[torch.arange(8) * 4.0 + 2] * 2, indexing="xy")).flatten(1)
        self.register_buffer("centres", places[None])

    def forward(self, image: torch.Tensor) -> Any:
        maps = self.layers(image)
        sides, scores = self.boxes(maps).flatten(2), self.scores(maps).flatten(2)
        corners = torch.cat([self.centres + sides[:, :2], 4 + torch.relu(sides[:, 2:])], 1)
        return torch.cat([corners, scores.sigmoid()], 1), sides


def _detector() -> nn.Module:
    torch.manual_seed(0)
    module = _Detector().train()
    with torch.no_grad():
        for _ in range(3):
            module(torch.randn(8, 3, SIZE, SIZE))
        module.get_parameter("layers.0.weight")[1] = 1e-12
        module.get_buffer("layers.1.running_mean")[1] = 0
        module.get_buffer("layers.1.running_var")[1] = 1
        module.get_parameter("layers.1.bias")[1] = 0.5
    return module.eval()


def _images() -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 3, SIZE, SIZE)).astype(np.float32) / 255
    return Dataset("images", "", len(pixels), lambda place: ((pixels[place] - np.float32(0.5)) / np.float32(0.25),))


@pytest.fixture(scope="module")
def eager() -> ModelSource:
    return from_module(SourceKind.FACTORY, "detector", SETTINGS, Found(_detector()))


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> ModelSource:
    """Equalized and statically quantized, as a .pt2 file."""
    images = _images()
    batches = tuple(tuple(map(torch.from_numpy, images.batch([place]))) for place in range(8))
    recipe = parse_recipe("r", {"steps": [{"method": "static_quantization", "equalize": True}]})
    made = apply_recipe(_detector(), (torch.zeros(1, 3, SIZE, SIZE),), recipe, CompressionData(calibration=batches))
    path = tmp_path_factory.mktemp("compressed") / "model.pt2"
    source = from_module(SourceKind.FACTORY, "detector", SETTINGS, Found(made.module))
    save_compressed(made, path, source.description.inputs)
    return load_source(str(path), SETTINGS)


def _converted(source: ModelSource, target: Target, folder: Path) -> tuple[InFile, Conversion]:
    """The parts of the file, and the file."""
    found = in_file(source, Detection(head="yolo"))
    session = ConversionSession(found.head, _images(), 8)
    tail = tail_of(found, target.postprocessing, source.settings)
    return found, session.convert_before(tail, target, folder)


def _boxes_are_right(target: Target, found: InFile, made: Conversion) -> None:
    """Within eight of 256 steps of what the source's head is decoded to."""
    assert found.wires == ("head_0", "head_1")
    assert made.notes == ()
    form, final = format_named(target.format), described(found, target.postprocessing)
    run = form.evaluator(form.evaluators()[0], made.path, Origin(final, lambda: final.output_shapes))
    (picture,) = _images().batch([0])
    with torch.no_grad():
        wanted = found.decoder.module(*found.head.module(torch.from_numpy(picture)))
    for given, own in zip(run([picture]), wanted, strict=True):
        assert given.shape == own.shape
        assert np.abs(given - own.numpy()).max() <= 8 / 256 * float(own.max() - own.min())


@pytest.mark.parametrize("target", [TFLITE, COREML], ids=["tflite", "coreml"])
def test_a_compressed_head_leaves_in_parts_with_its_ranges(
    compressed: ModelSource, target: Target, tmp_path: Path
) -> None:
    """XNNPACK loads the file, which it refuses where equalization blew a channel up."""
    assert {"cat", "cat_1"} & {one.name for one in compressed.hints.activations}
    _boxes_are_right(target, *_converted(compressed, target, tmp_path))


def test_an_equalized_target_has_its_head_in_parts(eager: ModelSource, tmp_path: Path) -> None:
    """Protects `equalize` of a Core ML target: the head itself is traced and scaled, not the model before it."""
    quantization = COREML.quantization.model_copy(update={"equalize": True})
    target = COREML.model_copy(update={"quantization": quantization})
    _boxes_are_right(target, *_converted(eager, target, tmp_path))
