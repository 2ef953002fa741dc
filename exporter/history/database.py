"""Kept runs in one file of SQLite, which several processes may write to at once.

Each run is one transaction; what a killed writer had begun is rolled back by whoever opens the file next. On network
drives SQLite's locks cannot be trusted (sqlite.org/faq.html, question 5): a folder serves there.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from exporter.data.errors import ExporterError, ToolError, UsageProblem
from exporter.data.facts.history import Figure, KeptRun, Lane
from exporter.history.history import Document, Entry

APPLICATION = 0x6D6F6278
"""Of SQLite's header, so that no other program's file is taken for a history."""

WAIT_S = 60.0

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE runs (
            digest TEXT PRIMARY KEY, kind TEXT NOT NULL, model TEXT NOT NULL, taken_at TEXT NOT NULL,
            revision TEXT, dirty INTEGER, kept_at TEXT NOT NULL, document BLOB NOT NULL, samples BLOB
        )""",
        """CREATE TABLE figures (
            run TEXT NOT NULL REFERENCES runs, place_in_run INTEGER NOT NULL, target TEXT NOT NULL, place TEXT NOT NULL,
            metric TEXT NOT NULL, unit TEXT NOT NULL, better TEXT NOT NULL, exact INTEGER NOT NULL,
            conditions TEXT NOT NULL, value REAL, low REAL, high REAL, taken_at TEXT, reason TEXT NOT NULL,
            PRIMARY KEY (run, place_in_run)
        )""",
        "CREATE INDEX runs_in_time ON runs (taken_at, digest)",
    ),
)
"""What brings a file from each version to the next; an empty file has version 0."""

_RUNS = "SELECT digest, kind, model, taken_at, revision, dirty FROM runs ORDER BY taken_at, digest"
_FIGURES = """
    SELECT run, target, place, metric, unit, better, exact, conditions, value, low, high, figures.taken_at, reason
    FROM figures JOIN runs ON digest = run ORDER BY runs.taken_at, digest, place_in_run
"""


class Database:
    """A file; see `exporter.history.history.History`."""

    def __init__(self, path: Path, *, to_write: bool = False) -> None:
        """Open it, and bring it to this version.

        Raises:
            UsageProblem: it is another program's, damaged, of a newer version, or no place to write to.
        """
        self._path = path
        with _told(path):
            if to_write:
                path.parent.mkdir(parents=True, exist_ok=True)
            with self._open("rwc" if to_write else "rw") as connection:
                _bring_up(connection, path, made=to_write)

    def keep(self, entry: Entry) -> bool:
        """See `History.keep`."""
        with _told(self._path), self._open("rw") as connection, _transaction(connection):
            known = "SELECT 1 FROM runs WHERE digest = ?"
            if connection.execute(known, (entry.run.digest,)).fetchone():
                return False
            connection.execute("INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?)", _run_row(entry))
            connection.executemany("INSERT INTO figures VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", _figure_rows(entry))
            return True

    def runs(self) -> list[KeptRun]:
        """See `History.runs`."""
        with _told(self._path), self._open("rw") as connection:
            return [_run(row) for row in connection.execute(_RUNS)]

    def figures(self) -> list[tuple[KeptRun, Figure]]:
        """See `History.figures`."""
        known = {run.digest: run for run in self.runs()}
        with _told(self._path), self._open("rw") as connection:
            rows = connection.execute(_FIGURES).fetchall()
            return [(known[row[0]], _figure(row[1:])) for row in rows if row[0] in known]

    def document(self, run: KeptRun) -> Document:
        """See `History.document`."""
        with _told(self._path), self._open("rw") as connection:
            query = "SELECT document, samples FROM runs WHERE digest = ?"
            text, samples = connection.execute(query, (run.digest,)).fetchone()
            return Document(_unpacked(text), None if samples is None else _unpacked(samples))

    @contextmanager
    def _open(self, mode: str) -> Iterator[sqlite3.Connection]:
        address = f"file:{quote(str(self._path.absolute()))}?mode={mode}"
        with closing(sqlite3.connect(address, uri=True, timeout=WAIT_S, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection


def _bring_up(connection: sqlite3.Connection, path: Path, *, made: bool) -> None:
    version = _version(connection, path)
    if version == 0 and not made:
        raise UsageProblem(f"{path} is empty: it holds no history.")
    if version == len(STEPS):
        return
    with suppress(sqlite3.OperationalError):  # another process is at it: whoever comes first sets it, for good
        connection.execute("PRAGMA journal_mode = WAL")
    with _transaction(connection):
        for statement in (line for step in STEPS[_version(connection, path) :] for line in step):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise UsageProblem(f"{path} is a file of SQLite, but no history of mobile-export. Give another place.")
    if version > len(STEPS):
        raise UsageProblem(
            f"{path} has version {version}; this program knows versions up to {len(STEPS)}. "
            "Upgrade mobile-export to read it."
        )
    return int(version)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


_BROKEN = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
_NO_PLACE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of SQLite as what they mean for the user."""
    try:
        yield
    except sqlite3.Error as error:
        raise _problem(path, error) from error
    except (zlib.error, ValueError) as error:
        raise UsageProblem(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror}. Choose another place.") from error


def _problem(path: Path, error: sqlite3.Error) -> ExporterError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(_BROKEN):
        return UsageProblem(f"{path} is no history, or damaged: {error}.")
    if name.startswith(_NO_PLACE):
        return UsageProblem(f"{path} cannot be opened and written: {error}. Choose another place.")
    if name.startswith("SQLITE_BUSY"):
        return ToolError(f"{path} is held by another process for longer than {WAIT_S:.0f} s. Try again.")
    return ToolError(f"{path}: {error}.")


def _run_row(entry: Entry) -> tuple[object, ...]:
    run, samples = entry.run, entry.document.samples
    revision = run.revision
    return (
        run.digest,
        run.kind,
        run.model,
        _instant(run.taken_at),
        revision.commit if revision else None,
        revision.dirty if revision else None,
        _instant(datetime.now(UTC)),
        _packed(entry.document.text),
        None if samples is None else _packed(samples),
    )


def _figure_rows(entry: Entry) -> Iterator[tuple[object, ...]]:
    for number, figure in enumerate(entry.figures):
        lane = figure.lane
        what = (lane.target, lane.place, lane.metric, lane.unit, lane.better, lane.exact)
        conditions = json.dumps(lane.conditions, sort_keys=True)
        taken = None if figure.taken_at is None else _instant(figure.taken_at)
        found = (figure.value, figure.low, figure.high, taken, figure.reason)
        yield (entry.run.digest, number, *what, conditions, *found)


def _run(row: tuple[object, ...]) -> KeptRun:
    digest, kind, model, taken_at, commit, dirty = row
    revision = None if commit is None else {"commit": commit, "dirty": None if dirty is None else bool(dirty)}
    facts = {"digest": digest, "kind": kind, "model": model, "taken_at": taken_at, "revision": revision}
    return KeptRun.model_validate(facts)


def _figure(row: tuple[object, ...]) -> Figure:
    target, place, metric, unit, better, exact, conditions, value, low, high, taken_at, reason = row
    what = {"target": target, "place": place, "metric": metric, "unit": unit, "better": better, "exact": bool(exact)}
    lane = Lane.model_validate({**what, "conditions": json.loads(str(conditions))})
    found = {"value": value, "low": low, "high": high, "taken_at": taken_at, "reason": reason}
    return Figure.model_validate({"lane": lane, **found})


def _instant(when: datetime) -> str:
    """So that text is in the order of time, whatever zone it was told in."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "surrogatepass"))


def _unpacked(content: bytes) -> str:
    return zlib.decompress(content).decode("utf-8", "surrogatepass")
