"""What an artifact's file itself shows to be wrong, whatever it computes on some examples."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.verdict import Status, Verdict, judge
from exporter.execution.heavy import load

LABELS = "labels"
CONSTANTS = "constants.finite"


def file_verdicts(subject: str, artifact: Path, labels: Sequence[str]) -> list[Verdict]:
    """Verdicts on class names inside the file and on NaN among its constants; nothing where there is none of either."""
    return [*label_verdicts(subject, artifact, labels), *_constant_verdicts(subject, artifact)]


def _constant_verdicts(subject: str, artifact: Path) -> list[Verdict]:
    """A failed verdict where weights or scales are NaN: runtimes differ in what they make of it."""
    constants = _tflite_constants(artifact) if artifact.suffix == ".tflite" else _core_ml_constants(artifact)
    bad = [name for name, values in constants if np.isnan(values).any()]
    if not bad:
        return []
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    reason = f"NaN in the file's own constants: {', '.join(bad[:3])}{more}; a scale of zero or an overflow made it"
    return [judge(subject, CONSTANTS, len(bad), "1", limit=0, bound="at most", reason=reason)]


def _tflite_constants(artifact: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Floating-point buffers and quantization scales."""
    tflite = load("tflite")
    model = tflite.Model.GetRootAs(artifact.read_bytes(), 0)
    kinds = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16}
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


def _core_ml_constants(artifact: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Floating-point values of the weight files."""
    from exporter.formats.coreml.reference.blobs import float_blobs
    from exporter.formats.coreml.reference.package import read_model_file

    yield from float_blobs(read_model_file(artifact))


def label_verdicts(subject: str, artifact: Path, labels: Sequence[str]) -> list[Verdict]:
    """One verdict where both a TFLite file and the model name classes; nothing otherwise.

    Core ML gives its scores by class name, so that there the comparison of outputs covers the names.
    """
    inside = embedded_labels(artifact)
    if not inside or not labels:
        return []
    wrong = [place for place, pair in enumerate(zip(inside, labels, strict=False)) if pair[0] != pair[1]]
    count = len(wrong) + abs(len(inside) - len(labels))
    reason = f"all {len(labels)} class names are the model's"
    if wrong:
        place = wrong[0]
        reason = f"{count} class names differ: class {place} is {inside[place]!r} in the file, {labels[place]!r} here"
    elif count:
        reason = f"{len(inside)} class names in the file, the model has {len(labels)}"
    status = Status.FAILED if count else Status.PASSED
    return [
        Verdict(subject=subject, metric=LABELS, value=count, unit="1", limit=0, status=status, margin=-count,
                reason=reason)
    ]  # fmt: skip


def embedded_labels(artifact: Path) -> tuple[str, ...]:
    """Class names of the first text file that a .tflite carries; empty when it carries none."""
    if artifact.suffix != ".tflite" or not zipfile.is_zipfile(artifact):
        return ()
    with zipfile.ZipFile(artifact) as archive:
        names = [name for name in archive.namelist() if name.endswith(".txt")]
        return tuple(archive.read(names[0]).decode("utf-8", "replace").splitlines()) if names else ()
