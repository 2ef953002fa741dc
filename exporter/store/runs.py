"""A run's folder: `run.json`, and beside it the raw samples; each is there whole or not at all."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from exporter.data.errors import UsageProblem
from exporter.data.results import samples as raw
from exporter.data.results.record import SCHEMA_VERSION, RunRecord, SamplesReference
from exporter.data.results.samples import Samples
from exporter.data.versions import checked_version
from exporter.store.migrations import migrated, samples_of_1
from exporter.store.output import write_text

RUN = "run.json"
SAMPLES = "samples.json"
_NO_RECORD = "It is no record of `mobile-export run`."


def write_run(folder: Path, record: RunRecord, samples: Samples) -> RunRecord:
    """Write both files, the record last, and give it as it was written.

    Raises:
        ExporterError: one of them cannot be written.
    """
    if samples.empty():
        (folder / SAMPLES).unlink(missing_ok=True)
    else:
        text = samples.model_dump_json()
        write_text(folder / SAMPLES, text)
        reference = SamplesReference(path=SAMPLES, sha256=hashlib.sha256(text.encode()).hexdigest())
        record = record.model_copy(update={"samples": reference})
    write_text(folder / RUN, record.model_dump_json(indent=1))
    return record


def load_record(path: Path) -> RunRecord:
    """Read a `run.json` of this or an earlier release.

    Raises:
        UsageProblem: unreadable, not a run record, or written by a newer release.
    """
    return parse_record(_document(path), str(path))


def parse_record(document: Any, where: str) -> RunRecord:
    """Bring `document` to the current schema version, one step at a time, and validate it.

    Raises:
        UsageProblem: not a run record, damaged, or of a newer version.
    """
    version = checked_version(document, where, SCHEMA_VERSION, otherwise=_NO_RECORD)
    try:
        return RunRecord.model_validate(migrated(document, version, SCHEMA_VERSION))
    except ValidationError as error:
        raise UsageProblem(f"{where} is damaged at {_first(error)}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # a step met something else than its version has
        raise UsageProblem(f"{where} is damaged: it cannot be read as version {version} ({error!r}).") from error


def load_samples(path: Path) -> Samples:
    """Every sample of the run that `path`, its `run.json`, records; none where nothing was measured.

    Raises:
        UsageProblem: they are not there any more, damaged, or another run's.
    """
    document = _document(path)
    if checked_version(document, path, SCHEMA_VERSION, otherwise=_NO_RECORD) == 1:
        return samples_of_1(document)
    reference = parse_record(document, str(path)).samples
    return Samples(targets={}) if reference is None else _referenced(path, reference)


def samples_text(path: Path) -> str | None:
    """The text of the file with the samples of the run that `path` records.

    None where nothing was measured, the record was copied without it, or the record holds the samples itself.

    Raises:
        UsageProblem: the record is none, or the samples are another run's.
    """
    document = _document(path)
    if checked_version(document, path, SCHEMA_VERSION, otherwise=_NO_RECORD) == 1:
        return None
    reference = parse_record(document, str(path)).samples
    if reference is None or not (path.parent / reference.path).is_file():
        return None
    return _referenced_text(path, reference)


def parse_samples(document: Any, text: str | None, where: str) -> Samples:
    """Every sample of a run that was kept.

    Args:
        document: the record, of any version.
        text: of its samples; None where they were not kept.
        where: of the run, for messages.

    Raises:
        UsageProblem: they are damaged, or were not kept.
    """
    if checked_version(document, where, SCHEMA_VERSION, otherwise=_NO_RECORD) == 1:
        return samples_of_1(document)
    if text is not None:
        return _samples(text, where)
    if parse_record(document, where).samples is None:
        return Samples(targets={})
    raise UsageProblem(f"{where}: its samples were not beside it when it was kept.")


def _referenced(run: Path, reference: SamplesReference) -> Samples:
    return _samples(_referenced_text(run, reference), str(run.parent / reference.path))


def _referenced_text(run: Path, reference: SamplesReference) -> str:
    path = run.parent / reference.path
    if not path.resolve().is_relative_to(run.parent.resolve()):
        raise UsageProblem(f"{run} names {reference.path!r} for its samples, outside the run's folder.")
    text = _text(path)
    if hashlib.sha256(text.encode()).hexdigest() != reference.sha256:
        raise UsageProblem(f"{path} holds the samples of another run than {run}. Run it again.")
    return text


def _samples(text: str, where: str) -> Samples:
    document = _parsed(text, Path(where))
    checked_version(document, where, raw.SCHEMA_VERSION)
    try:
        return Samples.model_validate(document)
    except ValidationError as error:
        raise UsageProblem(f"{where} is damaged at {_first(error)}") from error


def _document(path: Path) -> Any:
    return _parsed(_text(path), path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}. Give the run.json that `mobile-export run` wrote.") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{path} is not JSON: {error}") from error


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageProblem(f"{path} is not JSON: {error}") from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
