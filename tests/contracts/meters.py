"""The obligations of a module of the table of meters, as tests.

Derive a class whose name begins with ``Test`` from `MeterContract`, with fixtures `module`, `equipped` (a setting in
which the device has the meter) and, where the device could have it and has it not, `bare`.
"""

import pytest

from device_harness.protocol import Capabilities
from profilers.meters.meter import FAILURES, MeterModule, NoMeterError, Setting
from profilers.plan import ProfilePlan
from tests.fakes.session import FakeDevice, PassingClock


def setting(can: Capabilities, **facts: object) -> Setting:
    """A device that can this, and nothing else."""
    return Setting(FakeDevice(can, **facts), ProfilePlan(), PassingClock())  # type: ignore[arg-type]


class MeterContract:
    """Runs against every module of the table."""

    def test_a_device_of_another_kind_has_none(self, module: MeterModule) -> None:
        """No reason is told for what such a device never has."""
        assert module.find(setting(Capabilities())) is None

    def test_it_is_found_and_named(self, module: MeterModule, equipped: Setting) -> None:
        """The name is shown as the source of readings."""
        meter = module.find(equipped)
        assert meter is not None
        assert meter.name
        assert meter.of_battery in (True, False)

    def test_what_is_missing_is_told(self, module: MeterModule, bare: Setting | None) -> None:
        """In words, and as an error that lets the next meter be tried."""
        if bare is None:
            pytest.skip("a device of this kind has it always")
        with pytest.raises((NoMeterError, *FAILURES)) as caught:
            module.find(bare)
        assert str(caught.value)
