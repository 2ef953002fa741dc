"""The size budgets of one converted artifact, for the run that made it."""

from pathlib import Path

from exporter.data.sizes import Measurement
from exporter.data.verdict import Verdict
from exporter.gates.judging import judge_bytes
from exporter.sizes.measure import Compile, measure
from exporter.sizes.packaging import Options


def judge_artifact(
    path: Path, subject: str, *, download: int | None, compile_model: Compile | None = None
) -> tuple[Measurement, list[Verdict]]:
    """Measure the artifact at `path` and judge what it adds to a store's download.

    Args:
        path: a .tflite file or an .mlpackage.
        subject: the target's name, for the verdict.
        download: most bytes, as `exporter.data.target.Budgets.download`; None judges nothing.
        compile_model: see `exporter.sizes.measure.measure`.

    Returns:
        The figures, with `install` and `download`, and a verdict of metric ``download`` when there is a limit.
    """
    found = measure(path, Options(), compile_model=compile_model)[0].model_copy(update={"subject": subject})
    if download is None or found.download is None:
        return found, []
    return found, [judge_bytes(subject, "download", found.download, download, "its download", severity="error")]
