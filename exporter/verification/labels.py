"""The class names inside an artifact against the model's."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from exporter.verdicts import Status, Verdict

METRIC = "labels"


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
        Verdict(subject=subject, metric=METRIC, value=count, unit="1", limit=0, status=status, margin=-count,
                reason=reason)
    ]  # fmt: skip


def embedded_labels(artifact: Path) -> tuple[str, ...]:
    """Class names of the first text file that a .tflite carries; empty when it carries none."""
    if artifact.suffix != ".tflite" or not zipfile.is_zipfile(artifact):
        return ()
    with zipfile.ZipFile(artifact) as archive:
        names = [name for name in archive.namelist() if name.endswith(".txt")]
        return tuple(archive.read(names[0]).decode("utf-8", "replace").splitlines()) if names else ()
