"""The scheduler of a lab and processes of made-up devices, as `lab serve` starts them; nothing survives `close`."""

import signal
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from device_harness.facts import DeviceInfo
from device_harness.process import Process
from exporter.data.lab import LabDevice
from exporter.execution.lab.processes import process_of
from exporter.execution.lab.scheduler import SchedulerSpec
from exporter.execution.lab.worker import WorkerSpec
from tests.contracts.executor import until_true


class LabRig:
    """A lab.

    Attributes:
        address: of the scheduler.
        state: folder of a host, by its name.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1", tls: Path | None = None) -> None:
        self.folder, self._tls = folder, tls
        self._listens = host, _free_port(host)
        self._processes: dict[str, Process] = {}
        self.start_scheduler()

    def start_scheduler(self) -> None:
        """Again at the same address."""
        known = self.folder / "address"
        known.unlink(missing_ok=True)
        host, port = self._listens
        spec = SchedulerSpec(host=host, port=port, tls=self._tls, file=known, silent_s=5)
        (self.folder / "processes").mkdir(exist_ok=True)
        self._processes["scheduler"] = process_of("scheduler", spec.model_dump_json(), self.folder, "scheduler")
        until_true(known.exists)
        self.address = known.read_text()

    def state(self, host: str) -> Path:
        """The folder of a host."""
        return self.folder / host

    def add(self, host: str, serial: str | None = None, *, inside: Sequence[str] = ()) -> str:
        """A process of a device, or of the host itself; gives the device's name."""
        state = self.state(host)
        (state / "processes").mkdir(parents=True, exist_ok=True)
        (state / "processes" / f"{serial}.told").unlink(missing_ok=True)
        name = host if serial is None else f"{serial}@{host}"
        spec = WorkerSpec(
            scheduler=self.address,
            tls=self._tls,
            host=host,
            device=None if serial is None else device(serial, host),
            resources={f"host:{host}" if serial is None else f"device:{name}": 1},
            file=state / "processes" / f"{serial or 'report'}.told",
        )
        self._processes[name] = process_of(
            "worker", spec.model_dump_json(), state, serial or "host", inside=tuple(inside)
        )
        return name

    def leave(self, name: str) -> None:
        """Tell the process of a device that it has left."""
        serial, _, host = name.partition("@")
        (self.state(host) / "processes" / f"{serial}.told").touch()

    def ended(self, name: str) -> bool:
        """Whether a process has."""
        return self._processes[name].poll() is not None

    def kill(self, name: str) -> None:
        """As `kill -9` of a process of the lab, or of ``scheduler``."""
        process = self._processes.pop(name)
        for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=False)]:
            if "exporter.execution.lab" in " ".join(one.cmdline()):
                one.send_signal(signal.SIGKILL)
        process.wait(20)
        process.close()

    def words(self, name: str) -> str:
        """What a process said on standard error."""
        return self._processes[name].errors_so_far()

    def close(self) -> None:
        for process in self._processes.values():
            process.close()


def device(serial: str, host: str) -> LabDevice:
    """One that nobody has to reach."""
    info = DeviceInfo(serial=serial, kind="adb", model="Pixel 8", os="Android 14")
    return LabDevice(name=f"{serial}@{host}", host=host, info=info, formats=("tflite",), since=datetime.now(UTC))


def _free_port(host: str) -> int:
    with socket.socket() as one:
        one.bind((host, 0))
        port: int = one.getsockname()[1]
        return port
