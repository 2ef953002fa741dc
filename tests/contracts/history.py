"""What a place of kept runs owes, whether it is a file or a folder."""

import json
import multiprocessing
import os
import signal
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from exporter.data.errors import UsageProblem
from exporter.data.facts.revision import Revision
from exporter.history.documents import read_entry
from exporter.history.places import open_history
from tests.exporter.history.runs import write

WRITERS, EACH = 3, 6
_context = multiprocessing.get_context("fork")


def _keep_all(place: Path, documents: list[Path]) -> None:
    for document in documents:
        open_history(place, to_write=True).keep(read_entry(document))


def _keep_until_killed(place: Path, documents: list[Path]) -> None:
    """Ends itself without any clean-up while the last run is being written."""
    _keep_all(place, documents[:-1])
    entry = read_entry(documents[-1])

    class Killing(str):
        """A text that cannot be turned into bytes."""

        def encode(self, *how: str) -> bytes:
            os.kill(os.getpid(), signal.SIGKILL)
            return b""

    open_history(place, to_write=True).keep(
        entry._replace(document=entry.document._replace(samples=Killing(entry.document.samples)))
    )


class HistoryContract:
    """A subclass gives the fixture `place`, where nothing is yet."""

    def test_a_run_that_is_kept_twice_is_there_once(self, place: Path, tmp_path: Path) -> None:
        """Protects trends from runs that a job adds again; other spaces in the file make no other run."""
        document = write(tmp_path / "a")
        history = open_history(place, to_write=True)
        assert history.keep(read_entry(document))
        document.write_text(json.dumps(json.loads(document.read_text())))
        assert not open_history(place, to_write=True).keep(read_entry(document))
        assert len(history.runs()) == 1

    def test_what_is_kept_comes_back(self, place: Path, tmp_path: Path) -> None:
        entry = read_entry(write(tmp_path / "a"), model="mine", revision=Revision(commit="abc", dirty=True))
        open_history(place, to_write=True).keep(entry)
        history = open_history(place)
        (run,) = history.runs()
        assert run == entry.run
        assert [figure for _, figure in history.figures()] == list(entry.figures)
        assert history.document(run) == entry.document
        assert entry.document.samples

    def test_runs_are_in_the_order_of_time_whatever_their_zone(self, place: Path, tmp_path: Path) -> None:
        """23:30 in New York is after 01:00 in Tokyo of the next day."""
        york = datetime(2026, 10, 1, 23, 30, tzinfo=timezone(timedelta(hours=-4)))
        tokyo = datetime(2026, 10, 2, 1, 0, tzinfo=timezone(timedelta(hours=9)))
        history = open_history(place, to_write=True)
        for name, at in (("york", york), ("tokyo", tokyo)):
            history.keep(read_entry(write(tmp_path / name, at=at), model=name))
        assert [run.model for run in open_history(place).runs()] == ["tokyo", "york"]
        assert {run.taken_at.utcoffset() for run in history.runs()} == {timedelta(0)}

    def test_several_processes_keep_runs_at_once(self, place: Path, tmp_path: Path) -> None:
        """Each has its own, and all have one in common; nothing is lost, and nothing is there twice."""
        shared = write(tmp_path / "shared", commit="shared")
        jobs = []
        for writer in range(WRITERS):
            own = [write(tmp_path / f"{writer}-{number}", commit=f"{writer}{number}") for number in range(EACH)]
            jobs.append(_context.Process(target=_keep_all, args=(place, [shared, *own])))
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        assert [job.exitcode for job in jobs] == [0] * WRITERS
        commits = [run.revision.commit for run in open_history(place).runs() if run.revision]
        assert sorted(commits) == sorted(["shared", *(f"{w}{n}" for w in range(WRITERS) for n in range(EACH))])

    def test_a_killed_writer_loses_nothing_and_leaves_nothing_half(self, place: Path, tmp_path: Path) -> None:
        documents = [write(tmp_path / str(number), day=number, commit=str(number)) for number in range(3)]
        job = _context.Process(target=_keep_until_killed, args=(place, documents))
        job.start()
        job.join()
        assert job.exitcode == -signal.SIGKILL
        history = open_history(place, to_write=True)
        assert [run.revision.commit for run in history.runs() if run.revision] == ["0", "1"]
        assert history.keep(read_entry(documents[-1]))
        assert len(history.runs()) == 3

    def test_what_is_not_there_is_no_empty_history(self, place: Path) -> None:
        """A mistyped name must not look like a release that lost nothing."""
        with pytest.raises(UsageProblem, match="there is no history there"):
            open_history(place)
        assert not place.exists()
