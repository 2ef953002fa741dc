"""Baselines: the sizes of an earlier build, as a small JSON file to commit or to keep as a CI artifact."""

import datetime as dt
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from exporter.config.toml import check_own
from exporter.data.base import Frozen
from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import ByteCount, Measurement
from exporter.sizes.containers import file_state

SCHEMA_VERSION = 1
KIND = "mobile-export size baseline"
MAX_BYTES = 64 << 20


class Sizes(Frozen):
    """What a subject or a model in it took."""

    size_bytes: int | None = None
    install: ByteCount | None = None
    download: ByteCount | None = None

    def figure(self, metric: str) -> ByteCount | None:
        """The figure called ``size``, ``install`` or ``download``."""
        if metric == "size":
            return None if self.size_bytes is None else ByteCount.exact(self.size_bytes, "sum of its files")
        found: ByteCount | None = getattr(self, metric)
        return found


class SubjectSizes(Sizes):
    """A subject and its models by path."""

    models: dict[str, Sizes] = Field(default_factory=dict)


class Baseline(Frozen):
    """Sizes by subject.

    Attributes:
        where: the file that it was read from.
        created_at: when it was written; None for one that was measured just now.
        subjects: sizes by the subject's path as it was given.
    """

    where: str
    created_at: dt.datetime | None
    subjects: dict[str, SubjectSizes]

    def find(self, subject: str, *, alone: bool) -> SubjectSizes | None:
        """The sizes of `subject`: by its path, by a file name that only one has, or the only one, if `alone`."""
        if subject in self.subjects:
            return self.subjects[subject]
        name = subject.rpartition("/")[2]
        alike = [key for key in self.subjects if key.rpartition("/")[2] == name]
        if len(alike) == 1:
            return self.subjects[alike[0]]
        if alone and len(self.subjects) == 1:
            return next(iter(self.subjects.values()))
        return None


def sizes_of(measurement: Measurement) -> SubjectSizes:
    """The part of `measurement` that a baseline keeps."""
    models = {
        part.name: Sizes(
            size_bytes=part.size_bytes,
            install=ByteCount.exact(part.install_bytes, "part of the subject"),
            download=ByteCount.exact(part.download_bytes, "part of the subject"),
        )
        for part in measurement.models()
    }
    return SubjectSizes(
        size_bytes=measurement.size_bytes, install=measurement.install, download=measurement.download, models=models
    )


def from_measurements(measurements: Iterable[Measurement], where: str) -> Baseline:
    """A baseline of artifacts measured now."""
    return Baseline(where=where, created_at=None, subjects={found.subject: sizes_of(found) for found in measurements})


def baseline_text(measurements: Iterable[Measurement], now: dt.datetime) -> str:
    """The JSON of a baseline file."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "created_at": now.isoformat(timespec="seconds"),
        "subjects": {found.subject: sizes_of(found).model_dump(mode="json") for found in measurements},
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def load_baseline(path: Path, measure: Callable[[Path], list[Measurement]]) -> Baseline | None:
    """The baseline at `path`: a baseline file, or an earlier artifact or run.json, which is measured.

    Returns:
        None when there is nothing at `path`: a first build has no baseline, and the gate says so.

    Raises:
        UsageProblem: damaged, or of a newer schema.
    """
    if not path.exists():
        return None
    if path.suffix.lower() != ".json" or path.is_dir():
        return from_measurements(measure(path), str(path))
    document = _document(path)
    if isinstance(document, dict) and document.get("kind") != KIND and "targets" in document:
        return from_measurements(measure(path), str(path))
    check_own(document, path, SCHEMA_VERSION)
    if document.get("kind") != KIND:
        raise UsageProblem(
            f"{path} is no size baseline: write one with `mobile-export budget SUBJECT --write-baseline FILE`."
        )
    try:
        return Baseline.model_validate(
            {"where": str(path), "created_at": document.get("created_at"), "subjects": document.get("subjects")}
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageProblem(f"{path} is damaged at {place}: {first['msg']}.") from error


def _document(path: Path) -> Any:
    if file_state(path)[0] > MAX_BYTES:
        raise UsageProblem(f"{path} is larger than any baseline; it is not read.")
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UsageProblem(f"{path} is not JSON: {error}.") from error
