"""Serves the devices of this host to a lab: a process for each that is ready, gone when it is not."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from device_harness.discovery import Listing, asked, device_kinds, listed, one_each
from device_harness.facts import DeviceInfo, DeviceState
from device_harness.finder import Found
from device_harness.process import Process
from exporter.config.inventory import Inventory, load_inventory
from exporter.data.errors import ToolError, UsageProblem
from exporter.data.lab import LabDevice, LabReport, State
from exporter.data.progress import Progress
from exporter.data.selector import plain
from exporter.execution.heavy import need
from exporter.execution.lab.client import DEVICE
from exporter.execution.lab.jobs import tidy
from exporter.execution.lab.processes import process_of
from exporter.execution.lab.scheduler import SchedulerSpec
from exporter.execution.lab.security import is_loopback, security_of
from exporter.execution.lab.worker import WorkerSpec
from exporter.formats.registry import all_formats

LOOK_S = 3.0
START_S = 30.0
AT_ONCE_S, MOST_AT_ONCE = 10.0, 3
"""A scheduler that lives for less, so often in a row, is given up."""
PAUSE_S = 0.2


@dataclass(frozen=True)
class ServeRequest:
    """What is served, and to whom.

    Attributes:
        scheduler: address of the lab's; None starts one.
        listen: address and port of the one that is started.
        tls: folder of the lab's certificates.
        without_tls: go without beyond this machine too.
        inventory: labels, and which devices are left alone; None knows of none.
        host: what this one is called in the lab.
        state: folder of files and jobs.
        look_s: time between two looks at the devices.
    """

    scheduler: str | None
    listen: tuple[str, int]
    tls: Path | None
    without_tls: bool
    inventory: Path | None
    host: str
    state: Path
    look_s: float = LOOK_S


def serve(request: ServeRequest, progress: Progress, over: Callable[[], bool] = lambda: False) -> None:
    """Serve until Ctrl-C, or until it is over.

    Raises:
        UsageProblem: the request cannot be carried out; nothing was started.
        ToolError: the scheduler does not start, or ended.
    """
    need("distributed", extra="cluster")
    inventory = Inventory() if request.inventory is None else load_inventory(request.inventory)
    _refuse_open(request)
    security_of(request.tls)
    for name in ("jobs", "processes", "files"):
        (request.state / name).mkdir(parents=True, exist_ok=True)
    tidy(request.state)
    with ExitStack() as stack:
        own = _OwnScheduler(request, progress, stack) if request.scheduler is None else None
        scheduler = request.scheduler if own is None else own.address
        host = _Host(request, inventory, scheduler or "", progress, stack)
        host.start()
        while not over():
            if own is not None:
                own.look()
            host.look()
            _wait(request.look_s, over)


def _wait(seconds: float, over: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not over():
        time.sleep(PAUSE_S)


def _refuse_open(request: ServeRequest) -> None:
    """Who reaches a scheduler of Dask may run code on its hosts."""
    if request.tls is not None or request.without_tls:
        return
    if request.scheduler is None and not is_loopback(request.listen[0]):
        raise UsageProblem(
            f"whoever reaches {request.listen[0]} could run code on every host of the lab, and measure on its phones. "
            "Make certificates, and copy their folder to everybody in the lab: mobile-export lab certificates FOLDER; "
            "then say --tls FOLDER. On a network that is yours alone, --no-tls goes without."
        )


class _OwnScheduler:
    """The scheduler that this host starts, and starts again where it ended; nothing of it is lost that is begun."""

    def __init__(self, request: ServeRequest, progress: Progress, stack: ExitStack) -> None:
        self._request, self._progress, self._stack = request, progress, stack
        self._host, self._port = request.listen
        self._at_once = 0
        self.address = self._start()
        progress.note(f"The lab is at {self.address}: give that to others with --scheduler.")

    def look(self) -> None:
        """Start it again where it ended.

        Raises:
            ToolError: it ended as soon as it was started, several times in a row.
        """
        if self._process.poll() is None:
            return
        words = self._process.errors_so_far().strip()[-500:]
        self._at_once = self._at_once + 1 if time.monotonic() - self._started < AT_ONCE_S else 0
        if self._at_once == MOST_AT_ONCE:
            raise ToolError(f"the scheduler ended again and again: {words}")
        self._progress.note(f"the scheduler ended, and is started again: {words}")
        self._start()

    def _start(self) -> str:
        known = self._request.state / "processes" / "scheduler.address"
        known.unlink(missing_ok=True)
        spec = SchedulerSpec(host=self._host, port=self._port, tls=self._request.tls, file=known)
        self._started = time.monotonic()
        self._process = self._stack.enter_context(
            process_of("scheduler", spec.model_dump_json(), self._request.state, "scheduler")
        )
        while not known.exists():
            if self._process.poll() is not None or time.monotonic() - self._started > START_S:
                raise ToolError(f"the scheduler does not start: {self._process.errors_so_far().strip()[-500:]}")
            time.sleep(PAUSE_S)
        address = known.read_text()
        self._port = int(address.rpartition(":")[2])
        return address


@dataclass
class _Host:
    request: ServeRequest
    inventory: Inventory
    scheduler: str
    progress: Progress
    stack: ExitStack
    running: dict[str, tuple[Process, LabDevice]] = field(default_factory=dict)
    since: dict[str, tuple[State, datetime]] = field(default_factory=dict)

    def start(self) -> None:
        """The host's own process, which takes files and tells of devices that take no jobs."""
        spec = WorkerSpec(
            scheduler=self.scheduler,
            tls=self.request.tls,
            host=self.request.host,
            resources={f"host:{self.request.host}": 1},
            file=self._report,
        )
        self._tell([], ())
        self.stack.enter_context(process_of("worker", spec.model_dump_json(), self.request.state, "host"))
        self.stack.callback(self._close)

    def _close(self) -> None:
        for process, _ in self.running.values():
            process.close()

    @property
    def _report(self) -> Path:
        return self.request.state / "processes" / "report.json"

    def look(self) -> None:
        """Bring the processes in line with the devices: those that are ready have one, others have none."""
        listing = listed()
        infos = self._described(listing)
        ready = {info.serial: info for info in infos if info.state is DeviceState.READY}
        for serial in list(self.running):
            self._leave_or_stay(serial, serial in ready)
        for serial, info in ready.items():
            if serial not in self.running:
                self._join(info)
        others = [self._device(info) for info in infos if info.serial not in self.running]
        self._tell(others, tuple(map(str, listing.problems)))

    def _described(self, listing: Listing) -> list[DeviceInfo]:
        """What is known of each; one that is new is asked, and none that may be measuring."""
        meant = [one for one in listing.found if self._is_meant(one.info)]
        fresh = {one.info.serial: one for one in asked([one for one in meant if one.info.serial not in self.running])}
        return [one.info for one in one_each([fresh.get(one.info.serial) or self._as_known(one) for one in meant])]

    def _as_known(self, found: Found) -> Found:
        listed, known = found.info, self.running[found.info.serial][1].info
        return replace(found, info=known.model_copy(update={"state": listed.state, "advice": listed.advice}))

    def _is_meant(self, info: DeviceInfo) -> bool:
        entry = self.inventory.entry(info.names)
        if entry is not None:
            return entry.in_lab
        return not device_kinds()[info.kind].here and info.environment != "simulator"

    def _device(self, info: DeviceInfo) -> LabDevice:
        entry = self.inventory.entry(info.names)
        state: State = info.state.value
        before, since = self.since.get(info.serial, (None, None))
        if before != state or since is None:
            since = datetime.now(UTC)
            self.since[info.serial] = (state, since)
        return LabDevice(
            name=f"{info.serial}@{self.request.host}",
            host=self.request.host,
            info=info,
            labels=() if entry is None else entry.labels,
            formats=formats_of(info),
            state=state,
            since=since,
        )

    def _join(self, info: DeviceInfo) -> None:
        device = self._device(info)
        leave = self._leave_file(info.serial)
        leave.unlink(missing_ok=True)
        spec = WorkerSpec(
            scheduler=self.scheduler,
            tls=self.request.tls,
            host=self.request.host,
            device=device,
            resources=resources_of(device),
            file=leave,
        )
        name = quote(info.serial, safe="")
        self.running[info.serial] = (process_of("worker", spec.model_dump_json(), self.request.state, name), device)
        self.progress.note(f"{device.name} joins: {info.model or info.kind}, {info.os or 'system unknown'}")

    def _leave_or_stay(self, serial: str, ready: bool) -> None:
        process, device = self.running[serial]
        code = process.poll()
        leave = self._leave_file(serial)
        if code is not None:
            left = leave.exists()
            told = "leaves" if left else f"its process ended ({code}): {process.errors_so_far().strip()[-300:]}"
            self.progress.note(f"{device.name} {told}" if left else f"{device.name}: {told}")
            process.close()
            del self.running[serial]
        elif ready:
            leave.unlink(missing_ok=True)
        elif not leave.exists():
            leave.touch()

    def _leave_file(self, serial: str) -> Path:
        return self.request.state / "processes" / f"{quote(serial, safe='')}.leave"

    def _tell(self, devices: Sequence[LabDevice], problems: tuple[str, ...]) -> None:
        report = LabReport(host=self.request.host, program={}, devices=tuple(devices), problems=problems)
        unfinished = self._report.with_suffix(".unfinished")
        unfinished.write_text(report.model_dump_json())
        unfinished.rename(self._report)


def formats_of(info: DeviceInfo) -> tuple[str, ...]:
    """The formats that run on devices of its kind."""
    kind = device_kinds()[info.kind]
    return tuple(form.name for form in all_formats() if form.devices.runs_on(kind))


def resources_of(device: LabDevice) -> dict[str, float]:
    """What Dask knows of a device: itself, and what else may ask for it."""
    info = device.info
    known = {"serial": info.serial, "model": info.model, "soc": info.soc, "os": info.os}
    named = [f"{key}:{value if key == 'serial' else plain(value)}" for key, value in known.items() if value]
    named += [f"format:{name}" for name in device.formats] + [f"label:{label}" for label in device.labels]
    return dict.fromkeys([f"{DEVICE}{device.name}", *named], 1.0)
