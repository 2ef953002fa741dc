"""Phones against their own nights: what is called drift, what is not, and what is kept."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device_harness.facts import DeviceInfo
from exporter.data.errors import UsageProblem
from exporter.data.facts.profile import DeviceProfile
from exporter.data.lab import Night
from exporter.data.verdict import Status
from exporter.formats.registry import format_named
from exporter.gates.drift import judge_drift
from exporter.use_cases.lab.drift import DriftRequest, add_night, judged, night_of, read_history
from exporter.use_cases.profile import ProfileRequest
from profilers.plan import ProfilePlan
from profilers.result import ProfileResult
from tests.exporter import typical

AT = datetime(2026, 11, 28, tzinfo=UTC)


def night(latency_s: float, **more: Any) -> Night:
    given = {"at": AT, "device": "A@one", "sha256": "0", "conditions": {"threads": "1"}} | more
    return Night(latency_s=latency_s, **given)


def nights(latencies: Sequence[float], **more: Any) -> list[Night]:
    return [night(one, **more) for one in latencies]


def status(now: float, before: Sequence[Night], **more: Any) -> Status:
    return judge_drift(night(now, **more), before).status


QUIET = (0.100, 0.101, 0.099, 0.1005, 0.0995, 0.100)


def test_drift_is_beyond_a_phone_s_own_noise() -> None:
    """In both directions, with the figures in the reason; a loud phone may do what a quiet one may not."""
    before = nights(QUIET)
    assert status(0.101, before) is Status.PASSED
    slow = judge_drift(night(0.110), before)
    assert slow.status is Status.FAILED
    assert slow.reason.startswith("110 ms, 10.0% slower than the 100 ms of 6 nights; its noise is ")
    assert "faster" in judge_drift(night(0.090), before).reason
    assert status(0.090, before) is Status.FAILED
    assert status(0.110, nights((0.09, 0.11, 0.1, 0.105, 0.093, 0.108))) is Status.PASSED
    assert status(0.1015, nights([0.1] * 10)) is Status.PASSED, "less than two percent is nothing to look for"
    assert status(0.103, nights([0.1] * 10)) is Status.FAILED


def test_only_what_is_comparable_counts() -> None:
    """Another phone, model or system, nights that had drifted, and those before an accepted one, do not."""
    others = [
        *nights(QUIET, device="B@one"),
        *nights(QUIET, sha256="1"),
        *nights(QUIET, conditions={"threads": "2"}),
        *nights(QUIET, drifted=True),
    ]
    verdict = judge_drift(night(0.2), others)
    assert verdict.status is Status.NOT_CHECKED
    assert verdict.reason == "0 earlier nights can be compared with it, and 5 are needed."
    assert status(0.2, [*others, *nights(QUIET)]) is Status.FAILED
    begun = [*nights(QUIET), night(0.2, accepted=True)]
    assert status(0.2, begun) is Status.NOT_CHECKED
    assert status(0.2, [*begun, *nights((0.199, 0.201, 0.2, 0.2005))]) is Status.PASSED


def test_noise_alone_is_rarely_drift() -> None:
    """One night in a hundred, of normal noise of 3 %, from six nights on; a tenth slower is mostly found by ten."""
    dice = random.Random(0)

    def draw(count: int) -> list[Night]:
        return nights([0.1 * dice.lognormvariate(0, 0.03) for _ in range(count)])

    alarms = sum(status(draw(1)[0].latency_s, draw(6)) is Status.FAILED for _ in range(1000))
    assert alarms <= 20
    found = sum(status(draw(1)[0].latency_s * 1.15, draw(20)) is Status.FAILED for _ in range(200))
    assert found >= 180


def profiled(latency_s: float, **more: Any) -> DeviceProfile:
    reading = typical.reading(device="A@one", samples=(latency_s,) * 3)
    info = DeviceInfo(serial="A@one", kind="adb", os="Android 14")
    result = ProfileResult(artifact="m", sha256="0" * 64, device=info, plan=ProfilePlan(), readings=(reading,), **more)
    return DeviceProfile(device="A@one", result=result, info=info)


def test_nights_are_kept_and_held_against_later_ones(tmp_path: Path) -> None:
    """A drifted one is kept as such; accepting begins anew; a phone that failed costs the command its code."""
    file = tmp_path / "kept" / "drift.jsonl"
    request = DriftRequest(ProfileRequest(format_named("tflite"), [Path("m")], ProfilePlan()), ("all",), file)
    for _ in range(6):
        result = judged(request, read_history(file), [profiled(0.1)])
    assert [one.status for one in result.verdicts] == [Status.PASSED]
    assert result.exit_code == 0
    assert judged(request, read_history(file), [profiled(0.2)]).exit_code == 1
    assert judged(request, read_history(file), [profiled(0.2)]).exit_code == 1
    assert [one.drifted for one in read_history(file)] == [False] * 6 + [True] * 2
    accepted = judged(replace(request, accept=True), read_history(file), [profiled(0.2)])
    assert (accepted.exit_code, accepted.verdicts[0].status) == (0, Status.NOT_CHECKED)
    assert judged(request, read_history(file), [profiled(0.2)]).verdicts[0].status is Status.NOT_CHECKED
    lost = DeviceProfile(device="B@one", result=None, error="not measured, because its host is gone.")
    failed = judged(request, read_history(file), [lost])
    assert failed.exit_code == 3
    assert failed.verdicts[0].reason == "not measured, because its host is gone."
    assert len(read_history(file)) == 10


def test_a_phone_that_was_held_back_says_nothing() -> None:
    assert night_of(profiled(0.1, held_back="the skin was at 44 C")) == (
        "The device was held back while it was measured: the skin was at 44 C."
    )


@pytest.mark.parametrize(
    ("line", "reason"), [("{", r"line 2: "), ('{"schema_version": 1}', r"line 2: Field required\. Remove the line\.")]
)
def test_a_damaged_history_is_said_by_its_line(line: str, reason: str, tmp_path: Path) -> None:
    add_night(tmp_path / "h", night(0.1))
    with (tmp_path / "h").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UsageProblem, match=reason):
        read_history(tmp_path / "h")
