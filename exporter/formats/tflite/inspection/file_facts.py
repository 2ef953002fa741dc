"""Class names and constants of a .tflite, for the gates."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.artifact import FileFacts
from exporter.execution.heavy import load


def file_facts(artifact: Path) -> FileFacts:
    """What the file at `artifact` itself shows."""
    bad = tuple(name for name, values in _constants(artifact) if np.isnan(values).any())
    return FileFacts(labels=embedded_labels(artifact), nan_constants=bad)


def embedded_labels(artifact: Path) -> tuple[str, ...]:
    """Class names of the first text file that it carries; empty when it carries none."""
    if not zipfile.is_zipfile(artifact):
        return ()
    with zipfile.ZipFile(artifact) as archive:
        names = [name for name in archive.namelist() if name.endswith(".txt")]
        return tuple(archive.read(names[0]).decode("utf-8", "replace").splitlines()) if names else ()


def _constants(artifact: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Floating-point buffers and quantization scales."""
    # By its modules: ai-edge-litert 2.1.2 lays an empty package of the same name over this one.
    types = load("tflite.TensorType").TensorType
    model = load("tflite.Model").Model.GetRootAs(artifact.read_bytes(), 0)
    kinds = {types.FLOAT32: np.float32, types.FLOAT16: np.float16}
    for place in range(model.SubgraphsLength()):
        graph = model.Subgraphs(place)
        for index in range(graph.TensorsLength()):
            tensor = graph.Tensors(index)
            name, quantization = (tensor.Name() or b"?").decode("utf-8", "replace"), tensor.Quantization()
            if quantization is not None and quantization.ScaleLength():
                yield f"scale of {name}", quantization.ScaleAsNumpy()
            data = model.Buffers(tensor.Buffer())
            if tensor.Type() in kinds and data.DataLength():
                yield name, data.DataAsNumpy().view(kinds[tensor.Type()])
