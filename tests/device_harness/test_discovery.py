"""Discovery: all ways at once, each with a limit, each device once; opening asks every way."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from device_harness import discovery
from device_harness.discovery import FINDERS, discover, load_finders, open_device
from device_harness.errors import CommandFailedError, DeviceError, DeviceNotFoundError, DeviceUnauthorizedError
from device_harness.facts import DeviceInfo, DeviceState
from device_harness.finder import DeviceKind, Found
from device_harness.protocol import Device


class Ways:
    """A finder with prepared answers."""

    kinds: tuple[DeviceKind, ...] = (DeviceKind("adb", "device", "devices", "programs"),)

    def __init__(self, name: str, find: Callable[[], Sequence[Found]], reach: Any = None) -> None:
        self.name, self._find, self._reach = name, find, reach

    def find(self) -> Sequence[Found]:
        return self._find()

    def reach(self, serial: str) -> Callable[[], Device] | None:
        return (lambda: self._reach(serial)) if self._reach else None


def seen(serial: str, ask: Any = None, identity: str | None = None, **facts: Any) -> Found:
    info = DeviceInfo(serial=serial, kind="adb", **facts)
    opened: Any = f"session with {serial}"
    return Found(info, lambda: opened, ask, lambda info: identity)


ENDED: list[str] = []
"""What hung to its end, which nothing may wait for."""


def hang() -> Any:
    threading.Event().wait(30)
    ENDED.append(threading.current_thread().name)


def refuse() -> Any:
    raise CommandFailedError("it is broken")


def test_hung_devices_cost_one_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of them took a minute, one after the other; each is listed, with the reason."""
    monkeypatch.setattr(discovery, "ASKING_LIMIT_S", 0.2)
    devices = discover([Ways("adb", lambda: [*(seen(name, hang) for name in "abc"), seen("d")])]).devices
    assert not ENDED
    assert [info.state for info in devices] == [DeviceState.UNAVAILABLE] * 3 + [DeviceState.READY]
    assert "did not answer within" in str(devices[0].advice)


def test_a_way_that_hangs_or_fails_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "LISTING_LIMIT_S", 0.2)
    listing = discover([Ways("slow", hang), Ways("broken", refuse), Ways("good", lambda: [seen("a")])])
    assert [info.serial for info in listing.devices] == ["a"]
    assert [problem.source for problem in listing.problems] == ["slow", "broken"]
    assert str(listing.problems[1]) == "broken: it is broken"


def test_one_phone_by_two_ways_is_one_device() -> None:
    """The first way stays, and knows the other's name; devices without an identity are never taken for each other."""
    ways = [seen("USB", identity="x"), seen("1.2.3.4:5555", identity="x"), seen("a"), seen("b")]
    devices = discover([Ways("adb", lambda: ways)]).devices
    assert [info.serial for info in devices] == ["USB", "a", "b"]
    assert devices[0].names == ("USB", "1.2.3.4:5555")


def test_opening_asks_every_way_and_waits_for_none_that_is_not_needed() -> None:
    """By serial or by name; the slow tool of another kind does not delay it."""
    phone = seen("UDID", facts={"name": "Ada's iPhone"})
    ways = [Ways("slow", hang), Ways("good", lambda: [phone])]
    assert open_device("UDID", ways) == open_device("Ada's iPhone", ways) == "session with UDID"
    assert not ENDED


def test_a_device_that_no_way_lists_is_reached_or_told() -> None:
    """An address that adb can connect to; else what kept devices from being found."""
    ways = [Ways("broken", refuse), Ways("adb", list, reach=lambda serial: f"connected to {serial}")]
    assert open_device("1.2.3.4:5555", ways) == "connected to 1.2.3.4:5555"
    with pytest.raises(DeviceNotFoundError, match=r"X: there is no such device.*broken: it is broken"):
        open_device("X", ways[:1])


def test_a_device_that_is_not_ready_says_what_to_do() -> None:
    locked = seen("R58M", state=DeviceState.UNAUTHORIZED, advice="unlock it")
    with pytest.raises(DeviceUnauthorizedError, match="unlock it"):
        open_device("R58M", [Ways("adb", lambda: [locked])])


def test_every_row_of_the_table_is_a_finder() -> None:
    """Its name is unique, it knows its kinds, and it does not crash on a machine without its tool."""
    finders = load_finders()
    assert len({finder.name for finder in finders}) == len(FINDERS)
    for finder in finders:
        assert finder.kinds
        with contextlib.suppress(DeviceError):
            assert all(one.info.kind in [kind.name for kind in finder.kinds] for one in finder.find())
