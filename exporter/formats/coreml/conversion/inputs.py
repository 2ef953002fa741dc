"""Inputs of a source as coremltools wants them told: multi-arrays and images, of one shape or of several."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.sources.tracing.open_axes import open_axes


def input_types(inputs: Sequence[InputSpec], input_kind: str) -> list[Any]:
    """A ``coremltools.TensorType`` or ``ImageType`` for each input.

    Args:
        inputs: of the source.
        input_kind: what images become: ``image`` or ``tensor``.
    """
    moved = [spec.channels_first for spec in inputs]
    names, ranges = open_axes(moved), _ranges(moved)
    named = [{axis: ranges[name] for axis, name in names.get(spec.name, {}).items()} for spec in moved]
    return [_input_type(spec, axes, input_kind) for spec, axes in zip(moved, named, strict=True)]


def _ranges(inputs: Sequence[InputSpec]) -> dict[str, Any]:
    """A ``RangeDim`` for each name of open dimensions: what shares one is as long as one another to coremltools."""
    coremltools = load_coremltools()
    bounds = {
        name: spec.flexible.bounds[axis]
        for spec in inputs
        if spec.flexible is not None
        for axis, name in open_axes(inputs)[spec.name].items()
    }
    return {name: coremltools.RangeDim(low, high, default=high) for name, (low, high) in bounds.items()}


def _input_type(spec: InputSpec, ranges: Mapping[int, Any], input_kind: str) -> Any:
    coremltools = load_coremltools()
    shape = spec.shape if spec.flexible is None else _flexible(spec, ranges)
    if spec.image is None or input_kind == "tensor":
        dtype = np.float32 if spec.dtype == "float32" else np.int32
        return coremltools.TensorType(name=spec.name, shape=shape, dtype=dtype)
    layouts = {
        "RGB": coremltools.colorlayout.RGB,
        "BGR": coremltools.colorlayout.BGR,
        "GRAY": coremltools.colorlayout.GRAYSCALE,
    }
    scale, bias = image_scale_bias(spec.image)
    return coremltools.ImageType(
        name=spec.name,
        shape=shape,
        scale=scale,
        bias=bias if len(bias) > 1 else bias[0],
        color_layout=layouts[spec.image.color],
    )


def _flexible(spec: InputSpec, ranges: Mapping[int, Any]) -> Any:
    """A shape with ranges, or ``EnumeratedShapes``; the default one is the example's."""
    coremltools = load_coremltools()
    if spec.flexible is not None and spec.flexible.shapes:
        return coremltools.EnumeratedShapes(shapes=spec.flexible.shapes, default=spec.shape)
    sizes = [ranges.get(axis, size) for axis, size in enumerate(spec.shape)]
    return coremltools.Shape(shape=sizes, default=spec.shape)


def image_scale_bias(image: ImageSpec) -> tuple[float, list[float]]:
    """Core ML's ``scale * pixel + bias`` on pixels from 0 to 255.

    It has one scale for all channels; where the standard deviations differ, the graph divides by them
    and this does the rest.
    """
    std = image.std[0] if len(set(image.std)) == 1 else 1.0
    return 1 / (255 * std), [-value / std for value in image.mean]
