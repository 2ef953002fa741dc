"""Where a figure changed: not where one run was off, and never without enough runs to know."""

import random
from pathlib import Path

import pytest

from exporter.data.facts.history import Trend
from exporter.history.documents import read_entry
from exporter.history.levels import KNOWABLE, starts_of, with_changes
from exporter.history.places import open_history
from exporter.history.trends import Wanted, trends
from tests.exporter.history.runs import START, noisy, write, write_many


def trend_of(place: Path, metric: str) -> Trend:
    """The only one of a metric, with its changes."""
    (found,) = trends(open_history(place).figures(), Wanted(metric=metric))
    return with_changes(found)


def test_a_change_has_the_commit_that_made_it_and_one_that_is_off_is_none(tmp_path: Path) -> None:
    latencies = [*noisy(12), *noisy(8, 0.0115, seed=2)]
    latencies[5] = 0.018
    write_many(tmp_path, latencies)
    (change,) = trend_of(tmp_path, "latency").changes
    assert change.worse
    assert change.change == pytest.approx(0.15, abs=0.02)
    assert change.made_by.startswith("by commit c012 (the run before it: c011)")


def test_every_other_number_of_bytes_is_a_change(tmp_path: Path) -> None:
    """Bytes have no noise: two runs suffice, and one step back is one for the better."""
    write_many(tmp_path, [0.01] * 4, sizes=[1000, 1000, 1100, 900])
    found = trend_of(tmp_path, "size").changes
    assert [(one.at.revision.commit, one.worse) for one in found if one.at.revision] == [
        ("c002", True),
        ("c003", False),
    ]


def test_a_change_within_one_commit_is_not_called_the_code_s(tmp_path: Path) -> None:
    for day, latency in enumerate([*noisy(10), *noisy(10, 0.0115)]):
        write(tmp_path / f"{day:02}", day=day, commit="same", latency_s=latency)
    (change,) = trend_of(tmp_path, "latency").changes
    assert "not by the code" in change.made_by


def test_too_few_runs_say_so(tmp_path: Path) -> None:
    write_many(tmp_path, noisy(KNOWABLE - 1))
    found = trend_of(tmp_path, "latency")
    assert found.changes == ()
    assert found.note.startswith("9 runs with a reading")


def test_a_reading_that_the_cache_gives_again_is_no_new_one(tmp_path: Path) -> None:
    """A run whose file did not change repeats the old reading: noise would look like none."""
    for day in range(KNOWABLE + 2):
        write(tmp_path / f"{day:02}", day=day, taken_at=START)
    found = trend_of(tmp_path, "latency")
    assert [point.repeated for point in found.points] == [False, *[True] * (KNOWABLE + 1)]
    assert found.note.startswith("1 run with a reading")


def test_a_missing_reading_stays_missing(tmp_path: Path) -> None:
    """The phone was unplugged in one of the runs: its trend has no value there, and a reason."""
    write_many(tmp_path, [0.01, None, 0.01])
    found = trend_of(tmp_path, "latency")
    assert [point.figure.value for point in found.points] == [pytest.approx(0.01), None, pytest.approx(0.01)]
    assert found.points[1].figure.reason == "gone"


@pytest.mark.parametrize("count", [10, 20, 50])
def test_without_a_change_few_histories_have_one(count: int) -> None:
    """200 histories of noise that now and then is far off; 1 in 60 has one by `benchmarks/history_alarms.py`."""
    generator = random.Random(count)

    def draw() -> float:
        return generator.gauss(0, 1) + (8 if generator.random() < 0.05 else 0)

    found = sum(bool(starts_of([draw() for _ in range(count)], exact=False)) for _ in range(200))
    assert found <= 10


def test_changes_in_both_directions_are_found() -> None:
    generator = random.Random(4)
    values = [level + generator.gauss(0, 0.01) for level in (1.0, 1.1, 1.0) for _ in range(12)]
    assert starts_of(values, exact=False) == [12, 24]


def test_read_entry_gives_the_figures_of_a_run(tmp_path: Path) -> None:
    entry = read_entry(write(tmp_path / "a"))
    found = {figure.lane.metric: figure for figure in entry.figures}
    assert set(found) == {"size", "top1", "latency"}
    assert found["top1"].value == pytest.approx(95.0)
    assert found["latency"].low is not None
    assert found["latency"].lane.place == "R5CT123"
