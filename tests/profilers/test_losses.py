"""A device or its lease is lost in a session: what was finished is kept, and it goes on when the device comes back."""

from pathlib import Path
from typing import Any

import pytest

from device_harness.errors import CommandFailedError, DeviceDisconnectedError, DeviceError, LeaseLostError
from device_harness.protocol import Capabilities
from profilers.losses import MOST_RETURNS
from profilers.result import ProfileResult
from profilers.session import profile_models
from tests.fakes.session import FakeDevice
from tests.profilers.sessions import PLAN, Session

THREE = PLAN.model_copy(update={"processes": 3})
CABLE = DeviceDisconnectedError("the cable")


class Failing:
    """A runner that fails at some of its runs, and a device that comes back or does not."""

    def __init__(self, faults: dict[int, DeviceError], *, back: DeviceError | None = None) -> None:
        self.resumed, self.checks, self.lost = 0, 0, False
        self._back = back
        self.session = Session(device=FakeDevice(Capabilities(resuming=self)))
        plain, self.runs = self.session.runner.run, 0

        def run(device: Any, request: Any) -> Any:
            self.runs += 1
            if self.runs in faults:
                raise faults[self.runs]
            return plain(device, request)

        self.session.runner.run = run  # type: ignore[method-assign]

    def resume(self, limit_s: float) -> None:
        assert limit_s > 0
        self.resumed += 1
        if self._back is not None:
            raise self._back

    def check(self) -> None:
        self.checks += 1
        if self.lost:
            raise LeaseLostError("broken by jan")

    def profile(self, model: Path) -> ProfileResult:
        one = self.session
        (result,) = profile_models(
            one.device,  # type: ignore[arg-type]
            [model],
            THREE,
            one.bench,
            probe=one.probe,
            clock=one.clock,
            lease=self,
        )
        return result


def test_it_goes_on_when_the_device_comes_back(model: Path) -> None:
    """What it was lost over is done again, which is said; nothing is missing and nothing counted twice."""
    failing = Failing({2: CABLE})
    result = failing.profile(model)
    assert (len(result.readings[0].groups), failing.runs, failing.resumed) == (3, 4, 1)
    assert result.stopped is None
    assert result.warnings == ("the connection was lost once and came back: what it was lost over was done again",)


@pytest.mark.parametrize("back", [CABLE, DeviceError("its files are gone")], ids=["away", "cleared up"])
def test_what_was_finished_is_kept_when_it_does_not(model: Path, back: DeviceError) -> None:
    result = Failing({3: CABLE}, back=back).profile(model)
    assert len(result.readings[0].groups) == 2
    words = f"it ended before the plan was done (2 of 3 processes were finished and are kept): {back}"
    assert result.stopped == words


def test_a_connection_that_is_lost_again_and_again_is_not_waited_for_without_end(model: Path) -> None:
    failing = Failing(dict.fromkeys(range(2, 99), CABLE))
    assert failing.profile(model).stopped is not None
    assert failing.resumed == MOST_RETURNS


def test_a_lost_lease_is_what_is_behind_a_failed_run(model: Path) -> None:
    """The keeper ends what runs, which fails as if the program were at fault."""
    failing = Failing({3: CommandFailedError("ended with 137")})
    plain = failing.check

    def check() -> None:
        failing.lost = failing.runs == 3
        plain()

    failing.check = check  # type: ignore[method-assign]
    result = failing.profile(model)
    assert str(result.stopped).endswith("broken by jan")
    assert len(result.readings[0].groups) == 2
    assert failing.resumed == 0


def test_a_process_that_ended_after_the_lease_was_lost_does_not_count(model: Path) -> None:
    """Somebody else may have used the device meanwhile; with nothing finished there is no result but the error."""
    failing = Failing({})
    failing.lost = True
    with pytest.raises(LeaseLostError, match="broken by jan"):
        failing.profile(model)


def test_a_program_that_fails_is_no_loss(model: Path) -> None:
    with pytest.raises(CommandFailedError, match="refused"):
        Failing({2: CommandFailedError("the model is refused")}).profile(model)
