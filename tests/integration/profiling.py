"""What tests of `profile` share: a short plan, the programs that run on the phone, and what is read of a document."""

from pathlib import Path
from typing import Any

from device_harness.runners.build import find_litert_library

PLAN = """warmup_runs = 3
warmup_min_s = 0.0
runs = 30
min_s = 0.2
processes = 1
idle_s = 0.8
energy_s = 1.2
energy_repeats = 2
sampling_interval_s = 0.05
cool_down_limit_s = 2
"""
CHARGING = (
    b"Current Battery Service state:\n  USB powered: true\n  status: 2\n  level: 50\n  scale: 100\n  voltage: 4000\n"
)


def programs(litert_bench: Path) -> tuple[object, ...]:
    return "--benchmark-binary", litert_bench, "--litert-library", find_litert_library()


def readings_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {reading["metric"]: reading for reading in document["profiles"][0]["result"]["readings"]}
