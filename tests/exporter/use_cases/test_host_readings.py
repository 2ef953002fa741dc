"""Readings of this machine in a run: disturbed ones are taken again, old ones say so, and neither makes a warning."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from device_harness.runners.in_process import LitertInProcess
from exporter.data.progress import Silent
from exporter.execution.stage import StageRunner
from exporter.formats.registry import advice_for
from exporter.formats.tflite.settings import TfliteQuantization, TfliteTarget
from exporter.gates.harm import speed_warning
from exporter.store.cache import Cache
from exporter.use_cases.job import readings as stage
from profilers.readings import Obtained, Reading
from profilers.steadiness import cpu_share, disturbance

TARGET = TfliteTarget.model_validate(
    {"name": "t", "format": "tflite", "minimum_os": "Android 12", "quantization": {"mode": "dynamic_range"}}
)

RUNNER = LitertInProcess()


def taken(share: float, p50_s: float = 0.01, **changes: Any) -> tuple[Reading, ...]:
    """Latency and processor time of two steady processes that had a CPU for `share` of the time."""
    conditions = {"accelerator": "cpu", "ran_on": "cpu"}
    facts = {
        "unit": "s",
        "groups": (20, 20),
        "source": "test",
        "device": "this machine",
        "conditions": conditions,
        "obtained": Obtained.MEASURED,
        "taken_at": datetime.now(UTC),
        **changes,
    }
    return tuple(
        Reading.model_validate({**facts, "metric": metric, "samples": (value,) * 40})
        for metric, value in (("latency", p50_s), ("cpu_time", share * p50_s))
    )


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[tuple[Reading, ...], bool, int]]:
    """Calls the stage with a machine that gives these shares one after another; also says how often it was measured."""
    cache = Cache(tmp_path / "cache")

    def call(*shares: float, force: bool = False) -> tuple[tuple[Reading, ...], bool, int]:
        left = list(shares)
        monkeypatch.setattr(stage, "host_readings", lambda path, plan, runner: taken(left.pop(0)))
        model: Any = SimpleNamespace(stages=StageRunner(cache, Silent(), dict, force=force))
        found, cached = stage.readings(model, RUNNER, tmp_path, "0" * 64, "t")
        return found, cached, len(shares) - len(left)

    return call


def test_steady_readings_are_taken_once(read: Any) -> None:
    """And come from the cache afterwards."""
    assert read(1.0)[1:] == (False, 1)
    assert read()[1:] == (True, 0)


def test_disturbed_readings_are_taken_again_a_bounded_number_of_times(read: Any) -> None:
    """Until they are steady; when they never are, the least disturbed are kept, and stay marked."""
    found, cached, times = read(0.4, 1.0)
    assert (disturbance(found), cached, times) == (None, False, 2)
    found, _, times = read(0.3, 0.6, 0.5, force=True)
    assert times == stage.TRIES == 3
    assert cpu_share(found) == pytest.approx(0.6)
    assert disturbance(found)


def test_a_machine_that_stays_busy_is_not_waited_for_at_every_artifact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects a run of many targets on a busy machine; what was steady takes nothing from those after it."""
    model: Any = SimpleNamespace(stages=StageRunner(Cache(tmp_path / "cache"), Silent(), dict))

    def times(name: str, share: float) -> int:
        measured: list[Path] = []

        def readings(path: Path, *_: Any) -> tuple[Reading, ...]:
            measured.append(path)
            return taken(share)

        monkeypatch.setattr(stage, "host_readings", readings)
        stage.readings(model, RUNNER, tmp_path, name * 64, name)
        return len(measured)

    assert [times("a", 1.0), times("b", 0.4), times("c", 0.4), times("d", 0.4)] == [1, stage.TRIES, 1, 1]


def test_disturbed_readings_in_the_cache_are_not_shown_as_they_are(read: Any) -> None:
    """The next run tries again, and forgets them for steady ones; worse ones do not replace them."""
    read(0.4, 0.4, 0.5)
    found, cached, times = read(0.1)
    assert (cached, times) == (True, 1)
    assert cpu_share(found) == pytest.approx(0.5)
    found, cached, times = read(0.99)
    assert (disturbance(found), cached, times) == (None, False, 1)


def test_no_warning_is_made_from_disturbed_readings() -> None:
    """Twice as slow with a third of a CPU says nothing of the model."""
    assert speed_warning(advice_for(TARGET), taken(1.0, 0.02), taken(1.0, 0.01))
    assert not speed_warning(advice_for(TARGET), taken(0.33, 0.02), taken(1.0, 0.01))
    assert not speed_warning(advice_for(TARGET), taken(1.0, 0.02), taken(0.9, 0.01))


def test_slow_kernels_are_said_in_numbers() -> None:
    """int16x8 runs reference kernels: a slower variant is not sold as a better one."""
    wide = TARGET.model_copy(update={"quantization": TfliteQuantization(mode="int16x8")})
    (words,) = speed_warning(advice_for(wide), taken(1.0, 0.02), taken(1.0, 0.01))
    assert "20 ms against 10 ms, 2.0 times as long" in words
    assert "reference kernels" in words


def test_a_warning_made_from_old_readings_says_so() -> None:
    now = datetime.now(UTC)
    old = taken(1.0, 0.02, taken_at=now - timedelta(hours=3, minutes=1))
    (words,) = speed_warning(advice_for(TARGET), old, taken(1.0, 0.01), at=now)
    assert words.endswith("(measured 3 h before this run)")
    (words,) = speed_warning(advice_for(TARGET), taken(1.0, 0.02), taken(1.0, 0.01), at=now)
    assert "measured" not in words


@pytest.mark.parametrize("conditions", [{"accelerator": "npu", "ran_on": "npu"}, {}])
def test_a_waiting_processor_is_no_disturbance_on_an_accelerator(conditions: dict[str, str]) -> None:
    """And where nothing is known of what it ran on, nothing is concluded."""
    assert disturbance(taken(0.5)) is not None
    assert disturbance(taken(0.5, conditions=conditions)) is None


def test_few_long_waits_are_seen_that_no_median_shows() -> None:
    """One inference of a hundred waits long: the medians agree, the processor was free for half of the phase."""
    readings = taken(1.0)
    use = readings[0].model_copy(
        update={"metric": "cpu_utilization", "unit": "1", "samples": (0.5, 0.4), "groups": (1, 1)}
    )
    assert cpu_share((*readings, use)) == pytest.approx(0.45)
    assert "45%" in str(disturbance((*readings, use)))


def test_processes_that_differ_are_unstable() -> None:
    """Medians of 10 and 11 ms spread by 10 %."""
    latency = taken(1.0)[0].model_copy(update={"samples": (0.010,) * 20 + (0.011,) * 20})
    assert "spread by 10%" in str(disturbance([latency]))


def test_samples_that_are_not_finite_are_unstable_and_raise_nothing() -> None:
    latency = taken(1.0)[0].model_copy(update={"samples": (0.010,) * 20 + (float("nan"),) * 20})
    assert disturbance([latency])
    assert cpu_share([latency]) is None
