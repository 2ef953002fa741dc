"""Leases: one at a time, whoever asks, whatever becomes of the owner; on this host, on a device, and in two labs."""

import http.server
import json
import multiprocessing
import os
import stat
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from device_harness.errors import CommandFailedError, DeviceBusyError, DeviceError, LeaseLostError
from device_harness.facts import CommandResult
from device_harness.lease import Lease, new_lease
from device_harness.leases import host, labgrid, on_device, session, stf
from device_harness.leases.session import Terms, leased
from device_harness.protocol import Capabilities, Device
from tests.fakes.session import FakeDevice, PassingClock


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(host.VARIABLE, str(tmp_path / "leases"))
    return tmp_path / "leases"


def lease(serial: str = "PHONE", longest_s: float = 60) -> Lease:
    return new_lease(serial, longest_s)


def _hold(ready: Any) -> None:
    host.WAY.take(lease())
    ready.send("taken")
    threading.Event().wait(60)


@pytest.fixture
def other() -> Iterator[multiprocessing.process.BaseProcess]:
    """A process that has the phone on this host."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_hold, args=(there,), daemon=True)
    process.start()
    assert here.poll(30)
    yield process
    process.kill()
    process.join(30)


def test_one_at_a_time_on_a_host(other: multiprocessing.process.BaseProcess) -> None:
    """The second is told who, since when and until when; other devices are free."""
    with pytest.raises(
        DeviceBusyError, match=rf"PHONE is in use by \S+@\S+ \(process {other.pid}: .*\) since 20"
    ) as told:
        host.WAY.take(lease())
    assert "until 20" in str(told.value)
    assert "--wait" in str(told.value)
    assert [held.pid for held in host.held_here()] == [other.pid]
    host.WAY.take(lease("TABLET")).release()


def test_a_dead_owner_has_nothing(other: multiprocessing.process.BaseProcess) -> None:
    """However it ended: no clock is asked."""
    other.kill()
    other.join(30)
    assert host.held_here() == []
    host.WAY.take(lease()).release()


def test_given_back_it_is_free_and_nothing_stays(folder: Path) -> None:
    held = host.WAY.take(lease())
    held.check()
    held.release()
    held.release()
    assert list(folder.iterdir()) == []


def test_a_broken_lease_is_noticed_and_the_next_has_it(folder: Path) -> None:
    """The owner learns by whom; its giving back takes nothing from the next."""
    first = host.WAY.take(lease())
    assert host.break_here("PHONE") is not None
    second = host.WAY.take(lease())
    with pytest.raises(LeaseLostError, match=r"PHONE: the lease on this host was broken by \S+@\S+ at 20"):
        first.check()
    first.release()
    second.check()
    second.release()
    assert list(folder.iterdir()) == []
    assert host.break_here("PHONE") is None
    assert "broke the lease of PHONE of me" in host.log_release("PHONE", "me").read_text()


def test_this_machine_is_one_device() -> None:
    """By whatever name a format knows it."""
    held = host.WAY.take(lease("local"))
    with pytest.raises(DeviceBusyError):
        host.WAY.take(lease("mac"))
    held.release()


def test_no_link_is_followed(folder: Path, tmp_path: Path) -> None:
    """Whoever puts a link where a lease is to be has no file of another user's written over."""
    folder.mkdir()
    (tmp_path / "mine").write_text("mine")
    (folder / "PHONE.lease").symlink_to(tmp_path / "mine")
    with pytest.raises(DeviceError, match="cannot be opened"):
        host.WAY.take(lease())
    assert (tmp_path / "mine").read_text() == "mine"


class Board:
    """A device whose shell is this machine's, with a clock since boot that a test moves."""

    serial = "BOARD"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = str(folder / "mobile-export.x")
        (folder / "bin").mkdir(exist_ok=True)
        self.leaving: list[str] = []
        self.boot, self.up_s = "boot-1", 1000
        self.can = Capabilities(shell=self, restoring=self)  # type: ignore[arg-type]

    def run(self, command: Sequence[str], *, timeout_s: float, env: object = None) -> CommandResult:
        shell, option, script, *rest = command
        script = script.replace("/proc/uptime", str(self.folder / "uptime"))
        script = script.replace("/proc/sys/kernel/random/boot_id", str(self.folder / "boot"))
        self.tell("uptime", f"{self.up_s}.25 1.00\n")
        self.tell("boot", f"{self.boot}\n")
        done = subprocess.run([shell, option, script, *rest], capture_output=True, timeout=timeout_s)
        return CommandResult(
            command=tuple(command), returncode=done.returncode, stdout=done.stdout, stderr=done.stderr, duration_s=0
        )

    def tell(self, name: str, text: str) -> None:
        path = self.folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

    def on_leaving(self, command: str) -> None:
        self.leaving.append(command)

    def leave(self) -> None:
        for command in self.leaving:
            subprocess.run(["sh", "-c", command], check=True)

    def left(self) -> list[str]:
        return [path.name for path in self.folder.glob("mobile-export-lease*")]


@pytest.fixture
def board(tmp_path: Path) -> Any:
    return Board(tmp_path)


def test_one_at_a_time_on_a_device(board: Any) -> None:
    """Two hosts: the second is told of the first. When its session ends, the device itself lets go."""
    first = lease("BOARD")
    held = on_device.take(board, first)
    assert held is not None
    held.check()
    with pytest.raises(DeviceBusyError, match=rf"BOARD is in use by {first.owner} .*by the record on the device"):
        on_device.take(board, lease("BOARD"))
    assert on_device.look(board) == first
    board.leave()
    assert board.left() == []
    assert on_device.take(board, lease("BOARD")) is not None


@pytest.mark.parametrize("change", [{"up_s": 1000 + on_device.EXPIRY_S + 1}, {"boot": "boot-2", "up_s": 5}], ids=str)
def test_a_dead_owner_s_lease_runs_out(board: Any, change: dict[str, Any]) -> None:
    """Without heartbeats by the device's own clock, or after a reboot; a late owner does not take it back."""
    held = on_device.take(board, lease("BOARD", 3600))
    vars(board).update(change)
    second = lease("BOARD")
    assert on_device.look(board) is None
    assert on_device.take(board, second) is not None
    assert held is not None
    with pytest.raises(LeaseLostError):
        held.check()
    assert on_device.look(board) == second


def test_heartbeats_keep_it_and_its_end_does_not(board: Any) -> None:
    """However long it lasts while it is renewed, but not over the time that it was taken for."""
    held = on_device.take(board, lease("BOARD", 200))
    assert held is not None
    for board.up_s in range(1000, 1200, 50):
        held.check()
    with pytest.raises(DeviceBusyError):
        on_device.take(board, lease("BOARD"))
    board.up_s = 1202
    held.check()
    assert on_device.take(board, lease("BOARD")) is not None


def test_of_many_at_once_one_has_it(board: Any) -> None:
    """Also where a dead owner's lease is in the way of all of them."""
    on_device.take(board, lease("BOARD"))
    board.up_s += 1000
    board.run(["sh", "-c", "true"], timeout_s=9)
    got: list[str] = []

    def try_it() -> None:
        try:
            got.append("taken" if on_device.take(board, lease("BOARD")) else "none")
        except DeviceBusyError:
            got.append("busy")

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ["busy"] * 7 + ["taken"]


def test_a_link_without_a_record_is_nobody_s(board: Any) -> None:
    """An owner that ended while it let go."""
    os.symlink("0123", board.folder / on_device.NAME)
    assert on_device.look(board) is None
    assert on_device.take(board, lease("BOARD")) is not None


def test_broken_on_the_device_the_owner_learns_by_whom(board: Any) -> None:
    held, whose = on_device.take(board, lease("BOARD")), on_device.break_on(board)
    assert held is not None
    assert whose is not None
    second = on_device.take(board, lease("BOARD"))
    with pytest.raises(LeaseLostError, match=r"was broken by \S+@\S+ at 20"):
        held.check()
    assert second is not None
    second.check()
    board.leave()
    assert board.left() == []


def test_a_device_that_can_keep_none_is_said_to(tmp_path: Path) -> None:
    """Its storage takes no file: the session goes on, with this host's lease, and the note says so."""
    full: Any = Board(tmp_path)
    full.workspace = "/proc/none/mobile-export.x"
    assert on_device.take(full, lease("BOARD")) is None


class Openable(FakeDevice):
    """A device that can be opened and closed."""

    closed = False

    def __enter__(self) -> "Openable":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True


def opened(device: Any, **terms: Any) -> Any:
    return leased("PHONE", "PHONE", lambda serial: device, Terms(60, **terms), terms.pop("clock", PassingClock()))


def test_a_session_waits_for_who_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it is told to, and says once that it does; at once it is refused."""
    holder = host.WAY.take(lease())
    said: list[str] = []
    clock = PassingClock()
    device: Any = Openable()
    with pytest.raises(DeviceBusyError), leased("PHONE", "PHONE", lambda _: device, Terms(60), clock):
        raise AssertionError
    assert clock.waits == []
    with (
        pytest.raises(DeviceBusyError),
        leased("PHONE", "PHONE", lambda _: device, Terms(60, 5.0, said.append), clock),
    ):
        raise AssertionError
    assert (sum(clock.waits), len(said)) == (5.0, 1)
    monkeypatch.setattr(clock, "wait", lambda seconds: holder.release())
    with leased("PHONE", "PHONE", lambda _: device, Terms(60, 5.0), clock) as found:
        found.keeper.check()
    assert device.closed


def test_a_lost_lease_ends_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next heartbeat closes the device; its own time being over is a loss too."""
    monkeypatch.setattr(session, "BEAT_S", 0.02)
    device: Any = Openable()
    clock = PassingClock()
    with leased("PHONE", "PHONE", lambda _: device, Terms(60), clock) as found:
        host.break_here("PHONE")
        end = threading.Event()
        for _ in range(200):
            if device.closed:
                break
            end.wait(0.02)
        assert device.closed
        with pytest.raises(LeaseLostError, match="broken by"):
            found.keeper.check()
    with leased("PHONE", "PHONE", lambda _: device, Terms(60), clock) as found:
        clock.time += 61
        with pytest.raises(LeaseLostError, match="is over"):
            found.keeper.check()


LABGRID = """#!/bin/sh
echo "$@" >> "$CALLS"
case $3 in
acquire) [ -e "$CALLS.held" ] && { echo "labgrid-client: error: place $2 is already acquired by $HOLDER" >&2; exit 1; }
  [ $2 = broken ] && { echo 'labgrid-client: error: no such place' >&2; exit 1; }; : > "$CALLS.held" ;;
release) rm "$CALLS.held" ;;
esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in of labgrid's client writes what it is called with."""
    program = tmp_path / "path" / labgrid.PROGRAM
    program.parent.mkdir()
    program.write_text(LABGRID)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("HOLDER", "desk7/jan")
    monkeypatch.setenv(labgrid.VARIABLE, "PHONE=shelf-3, TABLET=broken")
    return tmp_path / "calls"


def test_a_place_of_labgrid_is_taken_first(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And given back; somebody's place is refused with labgrid's words, one's own is used and stays."""
    assert labgrid.WAY.take(lease("OTHER")) is None
    held = labgrid.WAY.take(lease())
    assert held is not None
    with pytest.raises(DeviceBusyError, match="shelf-3 is already acquired by desk7/jan"):
        labgrid.WAY.take(lease())
    held.release()
    assert calls.read_text().splitlines() == ["-p shelf-3 acquire", "-p shelf-3 acquire", "-p shelf-3 release"]
    with pytest.raises(CommandFailedError, match="no such place"):
        labgrid.WAY.take(lease("TABLET"))
    Path(f"{calls}.held").touch()
    monkeypatch.setattr(labgrid, "myself_there", lambda: "desk7/jan")
    assert labgrid.WAY.take(lease()) is None


class FarmHandler(http.server.BaseHTTPRequestHandler):
    """As much of STF's API as taking a device asks."""

    owner: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        if self.headers["Authorization"] != "Bearer secret":
            self.answer(401, {"success": False})
        elif self.path.endswith("/user"):
            self.answer(200, {"user": {"email": "me@lab"}})
        else:
            self.answer(200, {"devices": [{"serial": "PHONE", "owner": self.owner.get("PHONE")}]})

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        self.asked.append(f"{self.path} {content.get('serial', '')}".strip())
        if self.path.endswith("/remoteConnect"):
            self.answer(200, {"success": True, "remoteConnectUrl": "farm:7401"})
        elif self.owner.get("taken"):
            self.answer(403, {"success": False, "description": "Device is being used or not available"})
        else:
            self.answer(200, {"success": True})

    def do_DELETE(self) -> None:
        self.asked.append(f"DELETE {self.path}")
        self.answer(200, {"success": True})

    def answer(self, code: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def farm(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FarmHandler]]:
    """A server that answers as STF does."""
    FarmHandler.owner, FarmHandler.asked = {}, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FarmHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv(stf.URL, f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv(stf.TOKEN, "secret")
    yield FarmHandler
    server.shutdown()
    server.server_close()


def test_a_device_of_a_farm_is_taken_first(farm: type[FarmHandler]) -> None:
    """It is opened at the address that the farm gives, and given back."""
    assert stf.WAY.take(lease("OTHER")) is None
    held = stf.WAY.take(lease())
    assert held is not None
    assert held.address == "farm:7401"
    held.release()
    assert farm.asked == [
        "/api/v1/user/devices PHONE",
        "/api/v1/user/devices/PHONE/remoteConnect",
        "DELETE /api/v1/user/devices/PHONE",
    ]
    addresses: list[str] = []
    device: Any = Openable()

    def opener(address: str) -> Device:
        addresses.append(address)
        found: Device = device
        return found

    with leased("PHONE", "PHONE", opener, Terms(60), PassingClock()):
        pass
    assert addresses == ["farm:7401"]


def test_a_farm_s_device_that_somebody_has_is_refused(farm: type[FarmHandler], monkeypatch: pytest.MonkeyPatch) -> None:
    """By name where the farm tells; what this user has already is used, and stays."""
    farm.owner = {"PHONE": {"email": "jan@lab", "name": "Jan"}}
    with pytest.raises(DeviceBusyError, match="Jan jan@lab in the device farm"):
        stf.WAY.take(lease())
    farm.owner = {"taken": True}
    with pytest.raises(DeviceBusyError, match="in use by somebody else in the device farm"):
        stf.WAY.take(lease())
    farm.owner = {"PHONE": {"email": "me@lab", "name": "Me"}}
    held = stf.WAY.take(lease())
    assert held is not None
    held.release()
    assert not any(call.startswith("DELETE") for call in farm.asked)
    monkeypatch.setenv(stf.TOKEN, "wrong")
    with pytest.raises(CommandFailedError, match="answers 401"):
        stf.WAY.take(lease())
    monkeypatch.setenv(stf.URL, "http://127.0.0.1:9/")
    with pytest.raises(CommandFailedError, match="does not answer"):
        stf.WAY.take(lease())
