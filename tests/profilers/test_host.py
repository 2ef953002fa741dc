"""Readings on this machine."""

from pathlib import Path

import pytest

from device_harness.errors import CommandFailedError
from profilers.host import host_readings
from profilers.plan import ProfilePlan


@pytest.fixture
def model(shared: Path) -> Path:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    return shared / "models" / "resnet8_cifar10_float.tflite"


def test_reads_a_real_model(model: Path) -> None:
    """Raw samples, warm-ups apart, one group a process; no meter is said, not invented."""
    plan = ProfilePlan(processes=2, runs=10, min_s=0, warmup_runs=3, warmup_min_s=0, energy_repeats=0)
    readings = {reading.metric: reading for reading in host_readings(model, plan)}
    latency = readings["latency"]
    assert latency.groups == (10, 10)
    assert len(latency.warmup_samples) == 6
    assert all(0 < sample < 1 for sample in latency.samples)
    assert latency.conditions["threads"] == "1"
    assert len(readings["cpu_time"].samples) == 20
    assert all(1e7 < sample < 1e9 for sample in readings["memory.peak"].samples)
    assert readings["energy.inference"].obtained == "unavailable"
    assert readings["energy.inference"].reason


@pytest.mark.skipif(Path("/sys/class/powercap").exists(), reason="this machine has energy counters")
def test_energy_without_a_meter_says_why(model: Path) -> None:
    """And does not wait through idle baselines first."""
    plan = ProfilePlan.desk_check(runs=2, energy_repeats=1)
    reading = host_readings(model, plan)[-1]
    assert reading.reason is not None
    assert "RAPL: no readable counter" in reading.reason


def test_refused_model_names_it(tmp_path: Path, model: Path) -> None:
    """A damaged file ends in a sentence, not in a traceback."""
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(CommandFailedError, match=r"damaged\.tflite"):
        host_readings(damaged, ProfilePlan.desk_check(runs=2))
