"""run.json files as `mobile-export run` writes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.data.results.record import TargetRecord
from tests.exporter import typical


def run_json(folder: Path, targets: Mapping[str, tuple[str, dict[str, Any]]]) -> Path:
    """A record of artifacts, given as target name -> (path, settings), in `folder`."""
    records = tuple(
        TargetRecord(
            name=name,
            format="tflite",
            minimum_os="Android 12",
            settings=settings,
            artifact=typical.artifact(path=path, target=name),
        )
        for name, (path, settings) in targets.items()
    )
    record = typical.run(targets=records)
    path = folder / "run.json"
    path.write_text(record.model_dump_json())
    return path
