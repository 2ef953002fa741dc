"""The demo: train, then the main job."""

from collections.abc import Sequence
from pathlib import Path

from exporter.data.progress import Progress
from exporter.data.results.record import RunRecord
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import load
from exporter.store.output import naming
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.run import run


def run_demo(output: Path, targets: Sequence[str], progress: Progress) -> RunRecord:
    """Train the digits network into ``OUTPUT/model`` and run it for `targets`."""
    folder = output / "model"
    digits = load("exporter.demo.digits")
    with progress.stage("Training on handwritten digits") as advance, naming(folder):
        digits.write_demo(folder, advance)
    settings = ModelSettings(mean=(digits.MEAN,), std=(digits.STD,), labels=folder / "labels.txt")
    request = RunRequest(
        spec=str(folder / "model.pt2"),
        settings=settings,
        target_names=tuple(targets),
        calibration=str(folder / "calibration.npz"),
        evaluation=str(folder / "evaluation.npz"),
        output=output,
        command_line=("mobile-export", "demo"),
    )
    return run(request, progress)
