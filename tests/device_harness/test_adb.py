"""adb devices, over the real client and a real daemon."""

import pytest

from tests.contracts.devices import DeviceContract, Subject
from tests.fakes.adbd import AdbdRig


class TestAdbDevice(DeviceContract):
    @pytest.fixture
    def subject(self, rig: AdbdRig) -> Subject:
        return Subject(rig.open, rig.alive, rig.exists)
