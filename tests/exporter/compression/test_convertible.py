"""The other half of the contract: what every method leaves converts to both formats, and the files compute it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressionData
from exporter.compression.recipe import parse_recipe
from exporter.data.facts.source import InputSpec, SourceDescription, SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.datasets.dataset import Dataset
from exporter.formats.coreml.reference import ReferenceModel
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.settings import TfliteTarget
from exporter.sources.source import ModelSource
from tests.exporter.compression.methods import CASES
from tests.exporter.compression.networks import SIZE, learnable

FLOAT32, FLOAT16 = 1e-3, 2e-2
"""Largest error of the logits, as a share of the largest logit, for a file that computes in this type."""


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_method_converts_to_both_formats(
    name: str, tmp_path: Path, trained: nn.Module, example: tuple[torch.Tensor], data: CompressionData
) -> None:
    """Protects the mission: a method counts when the shipped file is what it made."""
    from ai_edge_litert.interpreter import Interpreter

    model = apply_recipe(trained, example, parse_recipe("test", {"steps": CASES[name]}), data)
    images = learnable(4)[0]
    with torch.no_grad():
        wanted = model.module(images).numpy()
    inputs = (InputSpec(name="image", shape=(1, 3, SIZE, SIZE)),)
    description = SourceDescription(
        spec="test", kind=SourceKind.FACTORY, digest="", inputs=inputs, outputs=("logits",), parameters=0, size_bytes=0
    )
    source = ModelSource(description, ModelSettings(), model.module, hints=model.hints)
    dataset = Dataset("images", "", len(images), lambda index: (images[index].numpy(),))
    session = ConversionSession(source, dataset, len(images))

    tflite = session.convert(TfliteTarget(name="t", format="tflite", minimum_os="Android 14"), tmp_path).path
    interpreter = Interpreter(model_path=str(tflite))
    interpreter.allocate_tensors()
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    got = []
    for image in images.numpy():
        interpreter.set_tensor(given["index"], image[None])
        interpreter.invoke()
        got.append(interpreter.get_tensor(result["index"])[0])
    np.testing.assert_allclose(np.stack(got), wanted, rtol=0, atol=FLOAT32 * np.abs(wanted).max())

    target = CoremlTarget(name="c", format="coreml", minimum_os="iOS 18", input_kind="tensor")
    package = ReferenceModel(session.convert(target, tmp_path).path)
    evaluated = np.concatenate(
        [next(iter(package.predict({"image": image[None].numpy()}).values())) for image in images]
    )
    np.testing.assert_allclose(evaluated, wanted, rtol=0, atol=FLOAT16 * np.abs(wanted).max())
