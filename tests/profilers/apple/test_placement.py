"""Where the model runs: shares of the plan's cost, what Instruments recorded, and the gate."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness.facts import DeviceInfo
from device_harness.runners.bench_document import BenchDocument, Placement
from device_harness.runners.coreml import read_document
from device_harness.runners.coreml_build import SOURCES
from exporter.data.settings.target import Budgets
from exporter.data.verdict import Status
from exporter.gates.placement import judge_placement
from profilers.bench import Taken
from profilers.plan import ProfilePlan
from profilers.readers.placement import cost_shares, plan_reading, recorded_reading
from profilers.readings import Obtained, Reading

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
SAMPLE = read_document((SOURCES / "sample_document.json").read_bytes(), "the sample")


def document(*placed: tuple[str, float | None]) -> BenchDocument:
    placement = tuple(
        Placement(op=str(i), type="conv", device=device, cost=cost) for i, (device, cost) in enumerate(placed)
    )
    return SAMPLE.model_copy(update={"placement": placement})


def reading(*documents: BenchDocument, environment: str = "device") -> Reading:
    info = DeviceInfo(serial="UDID", kind="ios", environment=environment)
    return plan_reading(documents, Taken(info, ProfilePlan(), WHEN))


def test_shares_of_the_sample() -> None:
    """Of all that has a cost 96.875 % are on the Neural Engine; the reshape has none."""
    assert cost_shares(SAMPLE) == {"ane": 0.96875, "cpu": 0.03125}
    assert reading(SAMPLE).obtained is Obtained.ESTIMATED


@given(st.lists(st.tuples(st.sampled_from(["cpu", "gpu", "ane"]), st.none() | st.floats(0, 1)), max_size=20))
def test_shares_add_up(placed: list[tuple[str, float | None]]) -> None:
    shares = cost_shares(document(*placed))
    if shares is not None:
        assert sum(shares.values()) == pytest.approx(1)
        assert set(shares) <= {device for device, _ in placed}


@pytest.mark.parametrize(("limit", "status"), [(0.95, Status.PASSED), (0.97, Status.FAILED), (0.96875, Status.PASSED)])
def test_the_budget_can_fail_a_run(limit: float, status: Status) -> None:
    (verdict,) = judge_placement("iphone-15", Budgets(neural_engine=limit), [reading(SAMPLE)])
    assert (verdict.status, verdict.value, verdict.limit) == (status, 0.96875, limit)
    assert "planned for the Neural Engine" in verdict.reason


def test_the_worst_process_counts() -> None:
    good, bad = document(("ane", 1.0)), document(("ane", 0.5), ("cpu", 0.5))
    (verdict,) = judge_placement("t", Budgets(neural_engine=0.9), [reading(good, bad)])
    assert (verdict.status, verdict.value) == (Status.FAILED, 0.5)


@pytest.mark.parametrize(
    ("readings", "words"),
    [
        ([], "no device was measured"),
        ([reading(document())], "no compute plan"),
        ([reading(document(("ane", None)))], "no compute plan"),
        ([reading(SAMPLE, environment="simulator")], "no Neural Engine"),
    ],
)
def test_what_is_not_known_is_not_checked(readings: list[Reading], words: str) -> None:
    (verdict,) = judge_placement("t", Budgets(neural_engine=0.9), readings)
    assert verdict.status is Status.NOT_CHECKED
    assert words in verdict.reason


def test_without_a_budget_there_is_no_verdict() -> None:
    assert judge_placement("t", Budgets(), [reading(SAMPLE)]) == []


EXPORT = (
    '<trace-query-result><node><schema name="ane-hw-intervals">'
    "<col><mnemonic>start</mnemonic><engineering-type>start-time</engineering-type></col>"
    "<col><mnemonic>duration</mnemonic><engineering-type>duration</engineering-type></col></schema>%s"
    "</node></trace-query-result>"
)
ROWS = (
    '<row><start-time id="1">0</start-time><duration id="2">1500000</duration></row>'
    '<row><start-time id="3">9</start-time><duration ref="2"/></row>'
)


def test_recorded_intervals_are_named_in_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "ane.xml"
    path.write_text(EXPORT % ROWS)
    recorded = recorded_reading([path], device="UDID", taken_at=WHEN)
    assert recorded.samples == (0.0015, 0.0015)
    (verdict,) = judge_placement("t", Budgets(neural_engine=0.9), [reading(SAMPLE), recorded])
    assert "busy for 0.003 s" in verdict.reason


@pytest.mark.parametrize("exports", [True, False])
def test_an_empty_table_means_not_recorded(tmp_path: Path, exports: bool) -> None:
    """Never that the model did not run on the Neural Engine: the verdict stays what the plan says."""
    path = tmp_path / "ane.xml"
    path.write_text(EXPORT % "")
    recorded = recorded_reading([path] if exports else [], device="UDID", taken_at=WHEN)
    assert recorded.obtained is Obtained.UNAVAILABLE
    assert "not recorded" in str(recorded.reason)
    (verdict,) = judge_placement("t", Budgets(neural_engine=0.9), [reading(SAMPLE), recorded])
    assert verdict.status is Status.PASSED
    assert "proves nothing" in verdict.reason
