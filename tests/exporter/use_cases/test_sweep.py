"""Which setting of a sweep is the fastest, and when nobody can say."""

from device_harness.facts import DeviceInfo
from exporter.data.facts.profile import DeviceProfile
from exporter.data.facts.sweep import Sweep, sweep_of
from profilers.plan import ProfilePlan
from profilers.readings import Obtained, Reading
from profilers.result import ProfileResult
from tests.exporter.report.results import TAKEN

INFO = DeviceInfo(serial="A", kind="adb", connection="usb")


def profile(*medians: float, accelerator: str = "cpu", ran_on: str | None = None) -> DeviceProfile:
    """One whose processes have these medians."""
    plan = ProfilePlan.model_validate({"accelerator": accelerator})
    conditions = {"accelerator": accelerator, "ran_on": ran_on or accelerator}
    facts = {"source": "s", "device": "A", "obtained": Obtained.MEASURED, "taken_at": TAKEN, "conditions": conditions}
    samples = tuple(median for median in medians for _ in range(3))
    latency = Reading(metric="latency", unit="s", samples=samples, groups=(3,) * len(medians), **facts)
    result = ProfileResult(artifact="m", sha256="0", device=INFO, plan=plan, readings=(latency,))
    return DeviceProfile(device="A", result=result, info=INFO)


def sweep(**found: DeviceProfile) -> Sweep:
    return sweep_of("A", list(found), list(found.values()))


def test_the_fastest_is_named_where_no_interval_reaches_it() -> None:
    found = sweep(one=profile(0.010, 0.0101, 0.0099), two=profile(0.006, 0.0061, 0.0059))
    assert found.best == "two"
    assert found.answer == "two is the fastest: 6 ms; no other interval reaches it."
    assert [row.tied for row in found.rows] == [False, True]


def test_one_process_a_setting_names_no_fastest() -> None:
    """Inferences of one process are alike however much processes differ: their interval tells nothing of a setting."""
    found = sweep(one=profile(0.004), two=profile(0.001))
    assert found.best == "two"
    assert "is the fastest:" not in found.answer
    assert "not checked" in found.answer


def test_overlapping_intervals_show_no_difference() -> None:
    found = sweep(one=profile(0.010, 0.012, 0.008), two=profile(0.0095, 0.0115, 0.0075))
    assert found.answer.startswith("No difference shown between the settings: two has the lowest median")


def test_some_are_told_apart_and_others_not() -> None:
    steady = (0.006, 0.0061, 0.0059)
    found = sweep(one=profile(0.010, 0.0101, 0.0099), two=profile(*steady), four=profile(*steady))
    assert found.answer == "two has the lowest median, 6 ms; no difference shown from four: their intervals overlap."


def test_an_accelerator_that_did_not_take_the_work_has_no_figure() -> None:
    """However fast the CPU was in its place."""
    fast, slow = (0.001, 0.0011, 0.0009), (0.010, 0.0101, 0.0099)
    found = sweep(cpu=profile(*slow), gpu=profile(*fast, accelerator="gpu", ran_on="cpu"), npu=profile(*slow))
    assert found.best in ("cpu", "npu")
    gpu = found.rows[1]
    assert (gpu.p50_s, gpu.ran_on) == (None, "cpu")
    assert gpu.caveat == "the GPU did not take all of it (it ran on: cpu)"


def test_a_setting_that_was_refused_is_a_row_with_its_reason() -> None:
    refused = DeviceProfile(device="A", result=None, error="no such unit")
    found = sweep(cpu=profile(0.01, 0.01), npu=refused)
    assert (found.best, found.rows[1].caveat) == (None, "no such unit")
