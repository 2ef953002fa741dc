"""A stage with stand-ins for every Apple tool, for each test."""

from pathlib import Path

import pytest
from hypothesis import settings

from device_harness.apple import app as app_device
from tests.fakes.apple.stage import Stage, set_stage

# Shared machines are slow at times; what is tested is what the parsers do, not how fast.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(app_device, "FIRST_POLL_S", 0.02)
    tools = ("xcrun", "xcodebuild", "pymobiledevice3", "powermetrics", "sudo", "sw_vers", "sysctl")
    return set_stage(tmp_path, monkeypatch, *tools)
