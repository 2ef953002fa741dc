"""Readings on this machine."""

from pathlib import Path

import pytest

from device_harness.errors import CommandFailedError
from device_harness.runners.in_process import LitertInProcess
from profilers.host import host_readings
from profilers.plan import ProfilePlan
from profilers.readings import Reading


@pytest.fixture
def model(shared: Path) -> Path:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    return shared / "models" / "resnet8_cifar10_float.tflite"


def energy_of(readings: tuple[Reading, ...]) -> Reading:
    return next(reading for reading in readings if reading.metric == "energy.inference")


def test_reads_a_real_model(model: Path) -> None:
    """Raw samples, warm-ups apart, one group a process; no meter is said, not invented."""
    plan = ProfilePlan(processes=2, runs=10, min_s=0, warmup_runs=3, warmup_min_s=0, energy_repeats=0)
    readings = {reading.metric: reading for reading in host_readings(model, plan, LitertInProcess())}
    latency = readings["latency"]
    assert latency.groups == (10, 10)
    assert len(latency.warmup_samples) == 6
    assert all(0 < sample < 1 for sample in latency.samples)
    assert latency.conditions["threads"] == "1"
    assert len(readings["cpu_time"].samples) == 20
    assert all(1e7 < sample < 1e9 for sample in readings["memory.peak"].samples)
    assert readings["energy.inference"].obtained == "unavailable"
    assert readings["energy.inference"].reason


def test_the_model_s_memory_does_not_grow_with_the_length_of_the_run(tmp_path: Path) -> None:
    """Every time that is kept takes memory: 40,000 inferences must look no larger than 20."""
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is not installed (extra `export`)")

    class Next(tensorflow.Module):  # type: ignore[misc, name-defined]
        @tensorflow.function(input_signature=[tensorflow.TensorSpec([4], tensorflow.float32)])
        def __call__(self, x):  # type: ignore[no-untyped-def]
            return x + 1.0

    module = Next()
    convert = tensorflow.lite.TFLiteConverter.from_concrete_functions
    small = tmp_path / "next.tflite"
    small.write_bytes(convert([module.__call__.get_concrete_function()], module).convert())
    most = []
    for runs in (20, 40_000):
        readings = {
            one.metric: one for one in host_readings(small, ProfilePlan.desk_check(runs=runs), LitertInProcess())
        }
        assert len(readings["latency"].samples) == runs
        most.append(max(readings["memory.model"].samples))
    assert most[1] == pytest.approx(most[0], abs=1e6), "three floats a time, as Python keeps them, are 4 MB"


@pytest.mark.skipif(Path("/sys/class/powercap").exists(), reason="this machine has energy counters")
def test_energy_without_a_meter_says_why(model: Path) -> None:
    """And does not wait through idle baselines first."""
    plan = ProfilePlan.desk_check(runs=2, energy_repeats=2)
    reading = energy_of(host_readings(model, plan, LitertInProcess()))
    assert reading.reason is not None
    assert "RAPL: no readable counter" in reading.reason


def test_refused_model_names_it(tmp_path: Path, model: Path) -> None:
    """A damaged file ends in a sentence, not in a traceback."""
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(CommandFailedError, match=r"damaged\.tflite"):
        host_readings(damaged, ProfilePlan.desk_check(runs=2), LitertInProcess())
