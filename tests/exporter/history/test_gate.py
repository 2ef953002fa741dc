"""`history gate`: a loss over tolerance and noise fails; what cannot be known is not checked."""

import random
from pathlib import Path
from typing import Any

import pytest

from exporter.data.errors import UsageProblem
from exporter.data.verdict import Status, Verdict
from exporter.history.noise import ALPHA, noise_of, spread
from exporter.use_cases.history import GateRequest, gate
from profilers.statistics import percentile, variance
from tests.exporter.history.runs import START, noisy, write, write_many


def judged(place: Path, **options: Any) -> dict[str, Verdict]:
    """Verdicts by metric."""
    found = gate(GateRequest(place, **options))
    return {verdict.metric.removeprefix("regression."): verdict for verdict in found.verdicts}


@pytest.mark.parametrize(
    ("newest", "status"),
    [(0.0101, Status.PASSED), (0.0112, Status.FAILED), (0.009, Status.PASSED), (None, Status.NOT_CHECKED)],
)
def test_the_newest_run_is_held_against_those_before(tmp_path: Path, newest: float | None, status: Status) -> None:
    write_many(tmp_path, [*noisy(12), newest])
    found = judged(tmp_path)
    assert found["latency"].status is status
    assert found["size"].status is Status.PASSED
    assert found["top1"].status is Status.PASSED


def test_too_few_runs_are_not_checked_and_strict_lets_that_fail(tmp_path: Path) -> None:
    write_many(tmp_path, [*noisy(4), 0.02])
    assert judged(tmp_path)["latency"].status is Status.NOT_CHECKED
    assert gate(GateRequest(tmp_path)).exit_code == 0
    assert gate(GateRequest(tmp_path, strict=True)).exit_code == 1


def test_a_loss_within_the_noise_is_not_checked(tmp_path: Path) -> None:
    """It is over the tolerance, and runs differ by as much: neither passed nor failed."""
    generator = random.Random(2)
    write_many(tmp_path, [0.01 * generator.lognormvariate(0, 0.1) for _ in range(12)] + [0.0115])
    verdict = judged(tmp_path)["latency"]
    assert verdict.status is Status.NOT_CHECKED
    assert "within the noise" in verdict.reason


def test_a_run_that_was_off_hides_no_regression(tmp_path: Path) -> None:
    latencies = noisy(12)
    latencies[4] = 0.018
    write_many(tmp_path, [*latencies, 0.0112])
    assert judged(tmp_path)["latency"].status is Status.FAILED


def test_a_regression_that_stayed_fails_until_it_is_accepted(tmp_path: Path) -> None:
    write_many(tmp_path, [*noisy(12), *noisy(8, 0.0115, seed=2)])
    assert judged(tmp_path)["latency"].status is Status.FAILED
    assert judged(tmp_path, since="c012")["latency"].status is Status.PASSED


def test_bytes_need_one_run_and_no_more_than_the_tolerance(tmp_path: Path) -> None:
    write_many(tmp_path, [0.01] * 2, sizes=[1000, 1020])
    assert judged(tmp_path)["size"].status is Status.FAILED
    assert judged(tmp_path, tolerances=("size=2%",))["size"].status is Status.PASSED


def test_all_runs_of_the_newest_commit_are_judged_together(tmp_path: Path) -> None:
    """Of three, one that is off is none; of changed files the last alone is."""
    write_many(tmp_path / "h", noisy(12))
    for number, latency in enumerate((0.01, 0.018, 0.01)):
        write(tmp_path / "h" / f"new{number}", day=20 + number, commit="new", latency_s=latency)
    assert judged(tmp_path / "h")["latency"].status is Status.PASSED
    write(tmp_path / "h" / "changed", day=30, commit="new", dirty=True, latency_s=0.018)
    found = judged(tmp_path / "h")["latency"]
    assert found.status is Status.FAILED
    assert "one run can be an outlier" in found.reason


def test_a_repeated_reading_is_not_held_against_itself(tmp_path: Path) -> None:
    write_many(tmp_path / "h", [*noisy(5)])
    write(tmp_path / "h" / "again", day=9, commit="again", latency_s=0.01, taken_at=START)
    assert judged(tmp_path / "h")["latency"].status is Status.NOT_CHECKED


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tolerances": ("latncy=5%",)}, "did you mean 'latency'"),
        ({"tolerances": ("latency=5",)}, "percentage"),
        ({"tolerances": ("top1=much",)}, "points"),
        ({"since": "zzz"}, "no kept run"),
        ({"commit": "zzz"}, "no kept run"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    write_many(tmp_path, [0.01, 0.01])
    with pytest.raises(UsageProblem, match=says):
        gate(GateRequest(tmp_path, **options))


@pytest.mark.parametrize(("earlier", "newest"), [(5, 1), (10, 1), (10, 3)])
def test_false_alarms_of_normal_noise_stay_under_the_bound(earlier: int, newest: int) -> None:
    """1,000 histories without a change; the bound is exceeded by chance alone."""
    generator = random.Random(earlier)
    wrong = 0
    for _ in range(1000):
        before, after = ([generator.gauss(0, 1) for _ in range(count)] for count in (earlier, newest))
        wrong += percentile(after, 50) - percentile(before, 50) > noise_of(before, newest, ALPHA)
    assert wrong <= 1000 * 1.4 * ALPHA


def test_spread_is_that_of_most_values() -> None:
    """Q_n estimates the standard deviation of normal values, whatever two of them are."""
    generator = random.Random(1)
    values = [generator.gauss(0, 1) for _ in range(200)]
    assert spread(values) == pytest.approx(variance(values) ** 0.5, rel=0.1)
    assert spread([*values, 1e6, -1e6]) == pytest.approx(spread(values), rel=0.05)
    assert spread([1.0, 1.0, 1.0, 1.0, 1.0]) == 0.0
    assert spread([1.0, 1.0, 1.0, 1.0, 2.0]) > 0.3
