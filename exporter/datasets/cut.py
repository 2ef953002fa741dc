"""Examples of one size from examples of another."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import InputSpec
from exporter.datasets.dataset import Dataset


def cut(data: Dataset, inputs: Sequence[InputSpec]) -> Dataset:
    """The same examples without labels, each axis cut at its end to the length of `inputs`, or begun again.

    Args:
        data: whose examples have as many dimensions as `inputs`.
        inputs: of the source, with the shapes to be had.
    """
    shapes = ", ".join("x".join(map(str, spec.shape)) for spec in inputs)

    def read(index: int) -> tuple[NDArray[Any], ...]:
        pairs = zip(data.read(index), inputs, strict=True)
        return tuple(_cut(value, spec.shape[1:] if data.stacked else spec.shape) for value, spec in pairs)

    name, digest = f"{data.name}, cut to {shapes}", f"{data.digest}-{shapes}"
    return dataclasses.replace(data.without_truths(), name=name, digest=digest, read=read, fit=None)


def _cut(value: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    for axis, length in enumerate(shape):
        if value.shape[axis] != length:
            value = value.take(np.arange(length) % value.shape[axis], axis)
    return value
