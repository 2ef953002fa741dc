"""Runs and profiles as documents: what they say, made ready to be kept."""

import hashlib
import json
from datetime import UTC
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.data.facts.history import Figure, KeptRun
from exporter.data.facts.profile import DeviceProfile, profile_of
from exporter.data.facts.revision import Revision
from exporter.history.figures import figures_of_profile, figures_of_run
from exporter.history.history import Document, Entry
from exporter.store.profiles import is_profiles, parse_profiles
from exporter.store.runs import parse_record, samples_text


def read_entry(
    path: Path, *, model: str | None = None, target: str | None = None, revision: Revision | None = None
) -> Entry:
    """The run or profile in a file, ready to be kept; the samples of a run are taken from beside it.

    Args:
        path: a `run.json`, or what `profile -f json` wrote.
        model: what its figures are called; None takes what the document says.
        target: of a profile, likewise; None takes the name of the file that was measured.
        revision: what it was made from; None takes what the run says.

    Raises:
        UsageProblem: unreadable, neither of the two, damaged, or of a newer version.
    """
    text = _text(path)
    samples = None if is_profiles(_parsed(text, path)) else samples_text(path)
    return entry_of(Document(text, samples), str(path), model=model, target=target, revision=revision)


def entry_of(
    document: Document,
    where: str,
    *,
    model: str | None = None,
    target: str | None = None,
    revision: Revision | None = None,
) -> Entry:
    """A document ready to be kept; arguments as for `read_entry`."""
    content = _parsed(document.text, where)
    if is_profiles(content):
        run, figures = _of_profiles(parse_profiles(content, where), where, model, target)
    else:
        record = parse_record(content, where)
        at = record.created_at.astimezone(UTC)
        run = KeptRun(digest="", kind="run", model=record.source.spec, taken_at=at, revision=record.revision)
        figures = figures_of_run(record)
    given = {"model": model} if model else {}
    told = {**given, "digest": digest_of(content), "revision": revision or run.revision}
    return Entry(run.model_copy(update=told), figures, document)


def digest_of(content: Any) -> str:
    """SHA-256 of a document, whatever its spaces and the order of its keys are."""
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def _of_profiles(
    profiles: tuple[DeviceProfile, ...], where: str, model: str | None, target: str | None
) -> tuple[KeptRun, tuple[Figure, ...]]:
    taken = [reading.taken_at for one in profiles if one.result for reading in one.result.readings]
    if not taken:
        raise UsageProblem(f"{where} has no reading: no device was measured, so that there is nothing to keep.")
    files = list(dict.fromkeys(Path(one.result.artifact).name for one in profiles if one.result))
    run = KeptRun(digest="", kind="profile", model=model or files[0], taken_at=min(taken).astimezone(UTC))
    only = (target or files[0]) if len(files) == 1 else ""
    shown = [(only or _file(one, files[0]), profile_of(one, run.taken_at)) for one in profiles]
    return run, tuple(figure for called, one in shown for figure in figures_of_profile(called, one))


def _file(profile: DeviceProfile, otherwise: str) -> str:
    """Models that took turns are told apart by their files."""
    return otherwise if profile.result is None else Path(profile.result.artifact).name


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}. Give a run.json, or what `profile -f json` wrote.") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{path} is not JSON: {error}") from error


def _parsed(text: str, where: object) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageProblem(f"{where} is not JSON: {error}") from error
