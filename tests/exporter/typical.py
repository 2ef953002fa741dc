"""Facts of a run with typical values; a test gives those that it is about."""

from datetime import UTC, datetime
from typing import Any

from exporter.data.facts.artifact import Artifact
from exporter.data.results.record import RunRecord, SourceRecord
from profilers.readings import Obtained, Reading

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
_ARTIFACT = {
    "path": "t/model",
    "format": "tflite",
    "target": "t",
    "sha256": "0" * 64,
    "size_bytes": 1,
    "source_digest": "0",
    "settings_digest": "0",
    "tools": {},
    "conversion_s": 1.0,
}
_READING = {
    "metric": "latency",
    "unit": "s",
    "source": "test",
    "device": "this machine",
    "obtained": Obtained.MEASURED,
    "taken_at": NOW,
}
_RUN = {
    "created_at": NOW,
    "command_line": ("mobile-export", "run"),
    "duration_s": 1.0,
    "machine": {"processor": "cpu", "cores": "2"},
    "tools": {"mobile-export": "1"},
    "source": SourceRecord(spec="m:f", digest="0", inputs={}, parameters=1, size_bytes=4),
    "targets": (),
    "exit_code": 0,
}


def artifact(**changes: Any) -> Artifact:
    """A TFLite file."""
    return Artifact.model_validate({**_ARTIFACT, **changes})


def reading(**changes: Any) -> Reading:
    """A measured latency of this machine."""
    return Reading.model_validate({**_READING, **changes})


def run(**changes: Any) -> RunRecord:
    """A run that passed."""
    return RunRecord.model_validate({**_RUN, **changes})
