"""Budgets are judged on the confidence bound; what is unknown is not checked; a fallen-back accelerator fails."""

import math
import warnings
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.settings.target import Budgets
from exporter.data.verdict import Status
from exporter.gates.readings import judge_outputs, judge_readings
from profilers.readings import Obtained, Reading, unavailable
from profilers.result import OutputCheck
from tests.exporter import typical

JUDGED = {
    "latency.p50": ("latency", "latency.p50"),
    "latency.p90": ("latency",),
    "memory.peak": ("memory.model",),
    "energy.inference": ("energy.inference",),
}
"""The readings that a gate judges, the first that there is."""


def reading(metric: str = "latency", unit: str = "s", **changes: Any) -> Reading:
    """Five processes of 20 samples around 10 ms, whose medians spread by some percent."""
    samples = tuple(0.010 + 0.0002 * process + 0.00001 * index for process in range(5) for index in range(20))
    conditions = {"accelerator": "cpu", "quick": "false", "ran_on": "cpu"}
    facts = {"samples": samples, "groups": (20,) * 5, "conditions": conditions, "taken_at": datetime.now(UTC)}
    return typical.reading(metric=metric, unit=unit, **{**facts, **changes})


def verdict(budgets: Budgets, *readings: Reading) -> Any:
    return judge_readings("m on x", readings, budgets)[0]


def test_the_bound_is_judged_not_the_figure() -> None:
    """The median is 10.5 ms; its bound is higher: a budget between the two fails and says that it is close."""
    found = verdict(Budgets(latency_p50=0.0107), reading())
    assert found.status is Status.FAILED
    assert found.value > 0.0107
    assert "the figure itself is within the budget" in found.reason
    assert verdict(Budgets(latency_p50=0.012), reading()).status is Status.PASSED


@pytest.mark.parametrize(
    "changed",
    [
        {"conditions": {"quick": "true"}},
        {"environment": "emulator"},
        {"obtained": Obtained.ESTIMATED, "reason": "by a model"},
    ],
)
def test_what_is_no_measurement_of_a_device_is_not_checked(changed: dict[str, Any]) -> None:
    """Quick, emulated and estimated readings pass no budget, however good they look."""
    assert verdict(Budgets(latency_p50=1.0), reading(**changed)).status is Status.NOT_CHECKED


def test_unavailable_and_missing_readings_are_not_checked() -> None:
    """With the reason of the reading."""
    energy = unavailable("energy.inference", "J", "no meter", source="none", device="x")
    found = verdict(Budgets(energy=1.0), energy)
    assert found.status is Status.NOT_CHECKED
    assert "no meter" in found.reason
    assert verdict(Budgets(peak_memory=1), reading()).status is Status.NOT_CHECKED


def test_too_few_samples_for_a_percentile_are_not_checked() -> None:
    """Ten samples do not bound p90."""
    few = reading(samples=(0.01,) * 10, groups=())
    assert verdict(Budgets(latency_p90=1.0), few).status is Status.NOT_CHECKED


@pytest.mark.parametrize("metric", ["load_time", "load_cold", "load_warm", "first_inference"])
def test_loading_is_judged_by_its_mean_over_processes(metric: str) -> None:
    """A budget between the mean and its upper bound is not held; one process bounds nothing."""
    loads = reading(metric, samples=(0.1, 0.2, 0.3), groups=())
    for limit, status in ((0.19, Status.FAILED), (0.3, Status.FAILED), (0.5, Status.PASSED)):
        assert verdict(Budgets.model_validate({metric: limit}), loads).status is status
    generous = Budgets.model_validate({metric: 9.0})
    assert verdict(generous, reading(metric, samples=(0.1,), groups=())).status is Status.NOT_CHECKED
    assert verdict(generous, reading()).status is Status.NOT_CHECKED


def test_memory_is_judged_at_its_highest() -> None:
    """One process over the budget is over the budget."""
    memory = reading("memory.model", "B", samples=(1e6, 1e6, 3e6), groups=())
    assert verdict(Budgets(peak_memory=2_000_000), memory).status is Status.FAILED


@pytest.mark.parametrize("metric", ["memory.model", "memory.growth"])
def test_the_model_s_own_memory_is_judged_whatever_the_process_took(metric: str) -> None:
    """Python takes 60 MB before it loads a model and a small runner 2 MB: both must come to the same verdict."""
    own = reading(metric, "B", samples=(1e6, 1.5e6), groups=())
    for whole in (3e6, 60e6):
        peak = reading("memory.peak", "B", samples=(whole, whole), groups=())
        found = verdict(Budgets(peak_memory=2_000_000), peak, own)
        assert (found.status, found.value) == (Status.PASSED, 1.5e6)
        assert "before it loaded the model" in found.reason


def test_a_whole_process_s_peak_judges_no_budget_of_the_model() -> None:
    """A runner that tells nothing of the model's own memory is not checked, with the reason."""
    found = verdict(Budgets(peak_memory=10**9), reading("memory.peak", "B", samples=(1e6,), groups=()))
    assert found.status is Status.NOT_CHECKED
    assert "whole process's peak" in found.reason


def test_energy_is_judged_on_its_bound() -> None:
    """Repeats of 1.0 and 1.1 J bound the mean far above both."""
    energy = reading("energy.inference", "J", samples=(1.0, 1.1), groups=())
    assert verdict(Budgets(energy=1.2), energy).status is Status.FAILED
    assert verdict(Budgets(energy=2.0), energy).status is Status.PASSED


@pytest.mark.parametrize(
    ("used", "status"),
    [("gpu", Status.PASSED), ("cpu", Status.FAILED), ("mixed", Status.FAILED), ("unknown", Status.NOT_CHECKED)],
)
def test_accelerator(used: str, status: Status) -> None:
    """A silent fall-back to the CPU is a failed verdict."""
    asked = reading(conditions={"accelerator": "gpu", "ran_on": used})
    found = judge_readings("m on x", [asked], Budgets())
    assert [item.status for item in found if item.metric == "accelerator"] == [status]


BUDGETS = Budgets(latency_p50=1.0, latency_p90=1.0, load_time=1.0, peak_memory=10, energy=1.0)
VALUES = st.floats() | st.sampled_from([0.001, 0.5, math.nan, math.inf])
METRICS = st.sampled_from(["latency", "latency.p50", "cpu_time", "load_time", "memory.model", "energy.inference"])


@given(st.lists(st.tuples(METRICS, st.lists(VALUES, min_size=1, max_size=12)), max_size=4))
def test_no_reading_that_is_not_finite_passes_and_none_raises(given_: list[tuple[str, list[float]]]) -> None:
    """`min` and `max` forget a NaN that does not come first; a budget must not."""
    readings = [reading(metric, samples=tuple(samples), groups=()) for metric, samples in given_]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's about infinity minus infinity
        found = judge_readings("m on x", readings, BUDGETS)
    first = {one.metric: one for one in reversed(readings)}
    for gate, metrics in JUDGED.items():
        judged = next((first[metric] for metric in metrics if metric in first), None)
        (status,) = [one.status for one in found if one.metric == gate]
        if judged is None or not all(map(math.isfinite, judged.samples)):
            assert status is Status.NOT_CHECKED


@pytest.mark.parametrize(
    ("ran_on", "words"), [("cpu", "all of it ran on the CPU"), ("mixed", "a part"), ("unknown", "does not tell")]
)
def test_figures_of_another_unit_judge_no_budget(ran_on: str, words: str) -> None:
    """The CPU's 10 ms say nothing of the NPU that the app will use, nor do its memory and energy."""
    conditions = {"accelerator": "npu", "ran_on": ran_on}
    readings = [
        reading(conditions=conditions),
        reading("memory.model", "B", conditions=conditions),
        reading("energy.inference", "J", conditions=conditions),
    ]
    found = judge_readings("m on x", readings, BUDGETS)
    assert {one.status for one in found if one.metric != "accelerator"} == {Status.NOT_CHECKED}
    assert all(words in one.reason for one in found)


def test_a_latency_that_other_work_disturbed_judges_nothing() -> None:
    """Half of a CPU makes 10 ms of 5 ms; with the whole of it the same figures are judged."""
    slow, half, whole = reading(), 0.5, 1.0
    for share, status in ((half, Status.NOT_CHECKED), (whole, Status.PASSED)):
        cpu = reading("cpu_time", samples=tuple(share * sample for sample in slow.samples))
        assert verdict(Budgets(latency_p50=0.012), slow, cpu).status is status


@pytest.mark.parametrize("environment", ["emulator", "simulator"])
def test_an_emulator_s_accelerator_is_not_checked(environment: str) -> None:
    conditions = {"accelerator": "npu", "ran_on": "cpu"}
    (found,) = judge_readings("m on x", [reading(environment=environment, conditions=conditions)], Budgets())
    assert found.status is Status.NOT_CHECKED


def test_a_device_that_says_nothing_of_the_target_judges_nothing() -> None:
    """This machine in the place of a phone: every budget and the accelerator, with the reason."""
    asked = reading(conditions={"accelerator": "npu", "ran_on": "npu"})
    found = judge_readings("m on local", [asked], Budgets(latency_p50=1.0), "It is no phone.")
    assert [(one.status, one.reason) for one in found] == [(Status.NOT_CHECKED, "It is no phone.")] * 2


def test_cpu_needs_no_accelerator_verdict() -> None:
    """Nothing to be checked."""
    assert judge_readings("m on x", [reading()], Budgets()) == []


@pytest.mark.parametrize(
    ("check", "status"),
    [
        (None, Status.NOT_CHECKED),
        (OutputCheck(snr_db=float("inf"), identical=True, reason="same"), Status.PASSED),
        (OutputCheck(snr_db=45.0, identical=False, reason="close"), Status.PASSED),
        (OutputCheck(snr_db=3.0, identical=False, reason="a wrong kernel"), Status.FAILED),
        (OutputCheck(snr_db=None, identical=False, reason="an output is not finite"), Status.FAILED),
        (OutputCheck(snr_db=None, identical=False, reason="2 values are NaN", wrong=True), Status.FAILED),
        (OutputCheck(snr_db=80.0, identical=False, reason="one value is far off", wrong=True), Status.FAILED),
        (OutputCheck(snr_db=math.inf, identical=True, reason="NaN here too", checked=False), Status.NOT_CHECKED),
    ],
)
def test_outputs(check: OutputCheck | None, status: Status) -> None:
    """A device that computes something else fails."""
    assert judge_outputs("m on x", check).status is status
