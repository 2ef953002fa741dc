"""This machine as a device."""

from pathlib import Path

import psutil
import pytest

from device_harness.local import LocalDevice
from tests.contracts.devices import DeviceContract, Subject


def process_runs(marker: str) -> bool:
    """Whether a process of this machine has `marker` in its command line and is not a zombie."""
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and marker in " ".join(process.info["cmdline"] or []):
            return True
    return False


class TestLocalDevice(DeviceContract):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(LocalDevice, process_runs, lambda path: Path(path).exists())
