"""Attention masks in float16 and in int8 activations."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from exporter.formats.coreml.reference import ReferenceModel
from exporter.formats.coreml.settings import CoremlTarget
from profilers.decibels import snr_db
from tests.exporter.formats.common.attention import example, module_of, session

W8A8 = {"weights": {"method": "linear"}, "activations": {"dtype": "int8"}}


@pytest.mark.parametrize(("quantization", "least_db"), [({}, 60), (W8A8, 28)], ids=["float16", "W8A8"])
@pytest.mark.parametrize(
    "mask", ["adds the least float", "of an input", "takes away", "adds before scaling", "adds before dividing"]
)
def test_a_mask_is_a_number_and_decides_no_scale(
    mask: str, quantization: Mapping[str, Any], least_db: float, tmp_path: Path
) -> None:
    """Protects encoders of padded text: in float16 the mask's constant is infinite, and 0 * infinity no number."""
    table = {"name": "t", "format": "coreml", "minimum_os": "iOS 18", "quantization": quantization}
    made = session(mask).convert(CoremlTarget.model_validate(table), tmp_path)
    model, wanted, found = ReferenceModel(made.path), [], []
    for x, seen in map(example, range(20, 30)):
        with torch.no_grad():
            wanted.append(module_of(mask)(torch.from_numpy(x[None]), torch.from_numpy(seen[None])).numpy())
        found.append(model.predict({"x": x[None], "seen": seen[None]})["output"])
    assert snr_db(np.stack(wanted), np.stack(found)) > least_db
