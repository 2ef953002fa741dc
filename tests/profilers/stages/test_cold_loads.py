"""Loads of a file out of the page cache: measured as such, or said not to be."""

from pathlib import Path

from device_harness.page_cache import drop_from_page_cache, share_in_page_cache
from device_harness.runners.bench_document import Loads
from profilers.plan import ProfilePlan
from profilers.readings import Obtained, Reading
from profilers.stages.cold_loads import cold_loads
from tests.profilers.apple.test_placement import SAMPLE
from tests.profilers.sessions import Session

PLAN = ProfilePlan.desk_check(cold_loads=2)


def reading(model: Path, loads: Loads | None) -> tuple[Reading, Session]:
    session = Session(SAMPLE.model_copy(update={"loads": loads}), stages=[cold_loads])
    return [one for one in session.run(model, PLAN).readings if one.metric == "load_cold"][-1], session


def test_each_cold_load_is_a_process_of_its_own(tmp_path: Path) -> None:
    found, session = reading(tmp_path, Loads(cold_s=0.5, in_page_cache=0))
    assert (found.samples, found.groups) == ((0.5, 0.5), (1, 1))
    assert [request.cold for request in session.runner.requests] == [False, True, True]


def test_what_stayed_in_the_page_cache_is_not_called_cold(tmp_path: Path) -> None:
    found, _ = reading(tmp_path, Loads(warm_s=0.5, in_page_cache=1))
    assert found.obtained is Obtained.UNAVAILABLE
    assert found.reason is not None
    assert "100% of the file stayed" in found.reason


def test_a_system_that_does_not_tell_has_no_cold_load(tmp_path: Path) -> None:
    found, _ = reading(tmp_path, None)
    assert found.reason == "the system does not tell whether the file lies in the page cache"


def test_a_plan_without_them_starts_none(tmp_path: Path) -> None:
    session = Session(SAMPLE, stages=[cold_loads])
    session.run(tmp_path, ProfilePlan.desk_check(cold_loads=0))
    assert not any(request.cold for request in session.runner.requests)


def test_a_file_that_was_just_read_is_in_the_page_cache(tmp_path: Path) -> None:
    """Dropping it never makes it more; on a folder in memory it stays, and the share says so."""
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100_000)
    assert share_in_page_cache(file) == 1
    drop_from_page_cache(file)
    assert share_in_page_cache(file) in (0, 1)
    assert file.read_bytes() == b"x" * 100_000
    assert share_in_page_cache(file) == 1
    assert share_in_page_cache(tmp_path / "none") is None
