"""Outputs that join pixels and scores in int8: neither takes the other's steps."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from exporter.datasets.dataset import Dataset
from exporter.formats.session import Conversion, ConversionSession
from exporter.formats.tflite.settings import TfliteTarget
from tests.exporter.formats.common.by_hand import source_of

SHAPE = (1, 3, 16, 16)


class Head(nn.Module):
    """As a YOLO's: boxes of up to 200 pixels and scores in [0, 1], in one tensor."""

    def __init__(self, pixels: float) -> None:
        super().__init__()
        self.body, self.boxes, self.kinds = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1), nn.Conv2d(8, 2, 1)
        self.pixels = pixels

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        grid = torch.relu(self.body(image))
        boxes, scores = self.boxes(grid).sigmoid() * self.pixels, self.kinds(grid).sigmoid()
        return torch.cat([boxes.flatten(2), scores.flatten(2)], 1)


def noise(count: int) -> Dataset:
    def one(index: int) -> tuple[np.ndarray[Any, Any], ...]:
        return (np.random.default_rng(index).standard_normal(SHAPE[1:], np.float32),)

    return Dataset("noise", "noise", count, one)


def converted(folder: Path, pixels: float, **quantization: str) -> tuple[Conversion, nn.Module]:
    torch.manual_seed(0)
    source = source_of(Head(pixels), {"image": SHAPE})
    settings = {"mode": "int8", **quantization}
    target = TfliteTarget.model_validate(
        {"name": "t", "format": "tflite", "minimum_os": "Android 12", "quantization": settings}
    )
    return ConversionSession(source, noise(8), 8).convert(target, folder), source.module


def score_error(made: Conversion, module: nn.Module) -> float:
    """The largest, of scores in [0, 1]."""
    from ai_edge_litert.interpreter import Interpreter

    x = noise(20).batch([19])[0]
    (found,) = Interpreter(str(made.path)).get_signature_runner()(image=x).values()
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()
    return float(np.abs(found - wanted)[:, 4:].max())


def test_scores_beside_pixels_keep_their_steps_and_that_is_said(tmp_path: Path) -> None:
    """One scale for both has steps of 0.78, so that every score is 0 or 1."""
    made, module = converted(tmp_path, 200.0)
    assert score_error(made, module) < 0.02
    (note,) = made.notes
    (join,) = [one for one in made.inspection.ops if one.type == "CONCATENATION"]
    assert join.dtype == "float32"
    assert "joins values up to" in note
    assert "stay float32" in note


def test_one_scale_is_had_by_asking(tmp_path: Path) -> None:
    made, module = converted(tmp_path, 200.0, mixed_outputs="int8")
    assert score_error(made, module) > 0.2
    assert not made.notes


def test_what_is_joined_in_like_magnitudes_stays_integer(tmp_path: Path) -> None:
    """Protects files that need nothing from getting slower."""
    made, module = converted(tmp_path, 2.0)
    assert not made.notes
    assert score_error(made, module) < 0.05
    (join,) = [one for one in made.inspection.ops if one.type == "CONCATENATION"]
    assert join.dtype == "int8"
