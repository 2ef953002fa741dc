"""The one session: order, rejection, cool-down, warnings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from device_harness.errors import DeviceError
from device_harness.protocol import Device
from device_harness.runners.bench_document import Battery, BenchDocument, ThermalState
from device_harness.runners.runner import RunRequest
from profilers.conditions.conditions import Conditions
from profilers.parse.android.thermal import ThermalState as AndroidThermal
from profilers.session import MOST_REJECTED
from profilers.stages.sustained import sustained
from tests.fakes.session import LookingProbe
from tests.profilers.apple.test_placement import SAMPLE
from tests.profilers.sessions import PLAN, Session

HOT = SAMPLE.model_copy(update={"thermal": (ThermalState(at_s=1, state=0), ThermalState(at_s=2, state=2))})
WARM = SAMPLE.model_copy(update={"thermal": (ThermalState(at_s=1, state=1),)})


def test_each_process_is_a_group(model: Path) -> None:
    session = Session()
    found = session.readings(model)
    assert found["latency"].groups == (3, 3)
    assert found["placement.neural_engine"].samples == (0.96875, 0.96875)
    assert len(session.runner.requests) == 2


def test_a_model_given_twice_is_placed_once(model: Path) -> None:
    session = Session()
    results = session.run_all([model, model])
    assert (len(results), len(session.runner.placed)) == (1, 1)


def test_a_file_and_its_copy_are_two_models_in_one_place(model: Path, tmp_path: Path) -> None:
    """Protects A against A, by which the comparison itself is tried: a copy was dropped as the same file."""
    copy = tmp_path / f"copy{model.suffix}"
    copy.write_bytes(model.read_bytes())
    session = Session()
    results = session.run_all([model, copy])
    assert [result.artifact for result in results] == [str(model), str(copy)]
    assert len(session.runner.placed) == 1


def test_models_take_turns_in_random_order(tmp_path: Path) -> None:
    """What changes in the course of a session falls on every model alike; the seed gives the same order again."""
    models = [tmp_path / f"{number}.mlmodel" for number in range(4)]
    for path in models:
        path.write_bytes(path.name.encode())
    orders = []
    for _ in range(2):
        session = Session()
        session.run_all(models, PLAN.model_copy(update={"processes": 4}))
        names = [request.model for request in session.runner.requests]
        rounds = [names[start : start + 4] for start in range(0, 16, 4)]
        assert [one[::-1] for one in rounds[::2]] == rounds[1::2]  # who was started first does not count
        assert all(sorted(one) == sorted(rounds[0]) for one in rounds)
        assert len({tuple(one) for one in rounds}) > 1
        orders.append(names)
    assert orders[0] == orders[1]


def test_a_round_is_run_together_where_the_runner_can(tmp_path: Path) -> None:
    """Its processes take turns; one that is hot spoils the round for all, and none is counted alone."""
    models = [tmp_path / f"{number}.mlmodel" for number in range(2)]
    for path in models:
        path.write_bytes(path.name.encode())
    rounds: list[list[str]] = []
    session = Session(SAMPLE, SAMPLE, HOT, SAMPLE)

    def together(device: Device, requests: Sequence[RunRequest]) -> list[BenchDocument]:
        rounds.append([request.model for request in requests])
        return [session.runner.run(device, request) for request in requests]

    session.bench = replace(session.bench, together=together)
    results = session.run_all(models, PLAN.model_copy(update={"processes": 4}))
    assert [sorted(names) for names in rounds] == [sorted(rounds[0])] * 5
    assert len({tuple(names) for names in rounds}) == 2
    for result in results:
        assert len(result.readings[0].groups) == 4
        assert result.rejected == ("process 2: the system reported thermal state 2 of 3 (serious is 2)",)


def test_hot_runs_are_rejected_and_repeated(model: Path) -> None:
    """A serious thermal state spoils a run, a fair one does not; rejections are told."""
    session = Session(HOT, WARM)
    result = session.run(model)
    assert len(session.runner.requests) == 3
    assert result.rejected == ("process 1: the system reported thermal state 2 of 3 (serious is 2)",)
    with pytest.raises(DeviceError, match="throttles again and again"):
        Session(HOT).run(model)


def test_runs_while_the_device_says_that_it_throttles_are_rejected(model: Path) -> None:
    """By the looks before and after, whatever the runner saw."""
    cool, hot = (Conditions(thermal=AndroidThermal(status=status, sensors=())) for status in (0, 2))
    session = Session()
    session.probe = LookingProbe(cool, cool, hot, cool)
    assert session.run(model).rejected == ("process 1: the thermal status rose from 0 to 2",)
    session = Session()
    session.probe = LookingProbe(cool, *[cool, hot] * (MOST_REJECTED + 1))
    with pytest.raises(DeviceError, match="throttles again and again"):
        session.run(model)


def test_it_cools_down_between_processes(model: Path) -> None:
    """Until the start temperature is back, or the limit is over, which is told."""
    warm, cool = (Conditions(zones_k={"zone": kelvins}) for kelvins in (330.0, 300.0))
    plan = PLAN.model_copy(update={"cool_down": True, "cool_down_limit_s": 60})
    session = Session()
    session.probe = LookingProbe(cool, cool, cool, warm, warm, cool)
    assert session.run(model, plan).warnings == ()
    assert session.clock.waits == [1.0, 1.0]
    session = Session()
    session.probe = LookingProbe(cool, warm)
    assert session.run(model, plan).warnings == ("it did not cool down to its start temperature within 60 s",)


def test_a_hot_device_without_a_thermometer_gets_the_whole_limit(model: Path) -> None:
    session = Session(HOT, SAMPLE)
    session.run(model, PLAN.model_copy(update={"cool_down": True, "cool_down_limit_s": 60}))
    assert [wait for wait in session.clock.waits if wait] == [60]


def test_charging_and_low_power_are_told(model: Path) -> None:
    states = (Battery(at_s=1, level=0.5, state="charging", low_power_mode=True),)
    assert len(Session(SAMPLE.model_copy(update={"battery": states})).run(model).warnings) == 2


def test_sustained_latency_is_the_end_of_a_long_run(model: Path) -> None:
    session = Session(stages=[sustained])
    assert "latency.sustained" not in session.readings(model)
    found = session.readings(model, PLAN.model_copy(update={"sustained_s": 5.0}))
    assert found["latency.sustained"].samples == SAMPLE.latencies_s[-1:]
    assert session.runner.requests[-1].min_s == 5.0
