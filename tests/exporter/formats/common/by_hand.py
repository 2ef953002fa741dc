"""Converts a module and runs the artifact by hand: LiteRT, the Core ML evaluator; every output whole, against torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from exporter.data.facts.source import InputSpec, SourceDescription, SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.settings import TfliteTarget
from exporter.sources.outputs import flatten
from exporter.sources.source import ModelSource

Shapes = Mapping[str, tuple[int, ...]]


def source_of(module: torch.nn.Module, shapes: Shapes) -> ModelSource:
    """A source as the program loads it; inputs called ``ids`` hold whole numbers under 10."""
    inputs = tuple(
        InputSpec(name=name, shape=shape, dtype="int64" if name == "ids" else "float32")
        for name, shape in shapes.items()
    )
    with torch.no_grad():
        count = len(flatten(module.eval()(*examples(inputs))))
    description = SourceDescription(
        spec="module",
        kind=SourceKind.FACTORY,
        digest="0",
        inputs=inputs,
        parameters=0,
        size_bytes=0,
        outputs=("output",) if count == 1 else tuple(f"output_{index}" for index in range(count)),
    )
    return ModelSource(description, ModelSettings(), module)


def examples(inputs: Sequence[InputSpec]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    return [
        torch.randn(spec.shape, generator=generator)
        if spec.dtype == "float32"
        else torch.randint(0, 10, spec.shape, generator=generator)
        for spec in inputs
    ]


def tflite_snr(module: torch.nn.Module, shapes: Shapes, folder: Path) -> float:
    """Of the worst output of the float32 TFLite model, in dB."""
    from ai_edge_litert.interpreter import Interpreter

    source = source_of(module, shapes)
    target = TfliteTarget.model_validate({"name": "t", "format": "tflite", "minimum_os": "Android 12"})
    conversion = ConversionSession(source, None, 1).convert(target, folder)
    assert not any(note.startswith("no route gave") for note in conversion.notes)
    model = Interpreter(str(conversion.path)).get_signature_runner()
    given = examples(source.description.inputs)
    found = model(**{spec.name: value.numpy() for spec, value in zip(source.description.inputs, given, strict=True)})
    pairs = zip(source.description.outputs, wanted(module, given), strict=True)
    return min(snr(np.moveaxis(value, 1, -1) if value.ndim == 4 else value, found[name]) for name, value in pairs)


def coreml_snr(module: torch.nn.Module, shapes: Shapes, folder: Path) -> float:
    """Of the worst output of the float16 ML program in the reference evaluator, in dB."""
    from exporter.formats.coreml.reference import ReferenceModel

    source = source_of(module, shapes)
    target = CoremlTarget.model_validate(
        {"name": "t", "format": "coreml", "minimum_os": "iOS 18", "input_kind": "tensor"}
    )
    conversion = ConversionSession(source, None, 1).convert(target, folder)
    given = examples(source.description.inputs)
    arrays = [value.numpy() if value.is_floating_point() else value.numpy().astype(np.int32) for value in given]
    found = ReferenceModel(conversion.path).predict(
        {spec.name: value for spec, value in zip(source.description.inputs, arrays, strict=True)}
    )
    return min(
        snr(value, found[name]) for name, value in zip(source.description.outputs, wanted(module, given), strict=True)
    )


def wanted(module: torch.nn.Module, given: Sequence[torch.Tensor]) -> list[Any]:
    with torch.no_grad():
        return [value.numpy() for value in flatten(module(*given))]


def snr(expected: Any, found: Any) -> float:
    """In dB; 200 for equal arrays, minus infinity for another shape."""
    one, other = np.asarray(expected, np.float64), np.asarray(found, np.float64)
    if one.shape == () and other.shape == (1,):  # Core ML has no scalars
        other = other.reshape(())
    if one.shape != other.shape:
        return -np.inf
    noise = float(((one - other) ** 2).sum())
    return 200.0 if noise == 0 else float(10 * np.log10((one**2).sum() / noise))
