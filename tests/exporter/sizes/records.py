"""run.json files as `mobile-export run` writes them."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.data.facts.artifact import Artifact
from exporter.data.results.record import RunRecord, SourceRecord, TargetRecord


def run_json(folder: Path, targets: Mapping[str, tuple[str, dict[str, Any]]]) -> Path:
    """A record of artifacts, given as target name -> (path, settings), in `folder`."""
    records = tuple(
        TargetRecord(
            name=name, format="tflite", minimum_os="Android 12", settings=settings,
            artifact=Artifact(
                path=path, format="tflite", target=name, sha256="0" * 64, size_bytes=1, source_digest="1",
                settings_digest="2", tools={}, conversion_s=1.0,
            ),
        )
        for name, (path, settings) in targets.items()
    )  # fmt: skip
    record = RunRecord(
        created_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), command_line=("mobile-export", "run"), duration_s=1.0,
        machine={}, tools={}, exit_code=0, targets=records,
        source=SourceRecord(spec="m:f", digest="1", inputs={}, parameters=1, size_bytes=4),
    )  # fmt: skip
    path = folder / "run.json"
    path.write_text(record.model_dump_json())
    return path
