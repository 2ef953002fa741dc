"""Budgets of devices, where no device measured."""

from exporter.data.verdict import Status
from exporter.formats.coreml.settings import CoremlTarget
from exporter.gates.devices import unmeasured_verdicts


def test_budgets_of_devices_are_not_checked_without_a_device() -> None:
    """Protects against a latency budget that a run without a phone would pass over in silence."""
    budgets = {"latency_p90": "10 ms", "peak_memory": "100 MB", "energy": "3 mJ", "neural_engine": 0.95}
    target = CoremlTarget.model_validate({"name": "t", "format": "coreml", "minimum_os": "iOS 18", "budgets": budgets})
    verdicts = unmeasured_verdicts(target.name, target.budgets)
    assert {verdict.metric for verdict in verdicts} == {
        "latency.p90",
        "memory.peak",
        "energy.inference",
        "placement.neural_engine",
    }
    assert {verdict.status for verdict in verdicts} == {Status.NOT_CHECKED}
    assert all("--device" in verdict.reason for verdict in verdicts)
