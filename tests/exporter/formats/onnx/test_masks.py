"""Attention masks in static int8."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from exporter.formats.onnx.settings import OnnxTarget
from profilers.decibels import snr_db
from tests.exporter.formats.common.attention import example, module_of, session


@pytest.mark.parametrize(
    "mask", ["adds -inf", "adds -1e4", "chooses", "of an input", "added to a bias", "adds before dividing"]
)
def test_a_mask_decides_no_scale(mask: str, tmp_path: Path) -> None:
    """Protects encoders of padded text and decoders: all scores were one step of the mask's grid (6 to 10 dB)."""
    table = {"name": "t", "format": "onnx", "minimum_os": "Android 14", "quantization": {"mode": "static_int8"}}
    path = session(mask).convert(OnnxTarget.model_validate(table), tmp_path).path
    model, wanted, found = onnxruntime.InferenceSession(str(path)), [], []
    for x, seen in map(example, range(20, 30)):
        with torch.no_grad():
            wanted.append(module_of(mask)(torch.from_numpy(x[None]), torch.from_numpy(seen[None])).numpy())
        found.append(model.run(None, {"x": x[None], "seen": seen[None]})[0])
    assert snr_db(np.stack(wanted), np.stack(found)) > 13
