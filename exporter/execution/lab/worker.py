"""A process of a lab, of one device or of its host: a worker of Dask that comes back whenever it lost the scheduler.

Started by `mobile-export lab serve`, and ends with it. A job that runs is not ended by a lost connection.
"""

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from device_harness.leases.host import held_here
from exporter.data.base import Frozen
from exporter.data.lab import LabDevice, LabReport, State
from exporter.execution.forked import end_with_the_starter
from exporter.execution.lab import here
from exporter.execution.lab.files import state_folder
from exporter.execution.lab.jobs import Jobs
from exporter.execution.lab.security import security_of
from exporter.store.code import program_facts

METRIC = "mobile-export"
"""Under which the report is among a worker's metrics."""
RETRY_S = 1.0
SETTINGS = {
    "distributed.comm.timeouts.connect": "5s",
    "distributed.comm.timeouts.tcp": "15s",
    "distributed.admin.log-format": "%(asctime)s %(message)s",
}


class WorkerSpec(Frozen):
    """What a process of a lab is.

    Attributes:
        scheduler: its address.
        tls: folder of certificates.
        host: the name of this one.
        device: its own; None for the host's process.
        resources: of Dask, by name.
        file: which tells more while it runs: of a device, that it shall leave (`LEAVE`); of the host, its report.
    """

    scheduler: str
    tls: Path | None = None
    host: str
    device: LabDevice | None = None
    resources: dict[str, float] = {}
    file: Path


class Teller:
    """What a process tells of itself; called with every heartbeat."""

    def __init__(self, spec: WorkerSpec, jobs: Jobs | None) -> None:
        self._spec, self._jobs = spec, jobs
        self._program = lab_program()
        self._state: State = "ready"
        self._since = datetime.now(UTC)

    @property
    def leaves(self) -> bool:
        """Whether the device is gone or not wanted any more."""
        return self._spec.device is not None and self._spec.file.exists()

    def report(self, worker: Any = None) -> str:
        """A `LabReport` as JSON."""
        if self._spec.device is None:
            return self._of_the_host().model_dump_json()
        return LabReport(host=self._spec.host, program=self._program, devices=(self._device(),)).model_dump_json()

    def _of_the_host(self) -> LabReport:
        try:
            found = LabReport.model_validate_json(self._spec.file.read_bytes())
        except (OSError, ValidationError):  # it has not been written yet
            found = LabReport(host=self._spec.host, program={})
        return found.model_copy(update={"program": self._program, "is_host": True})

    def _device(self) -> LabDevice:
        assert self._spec.device is not None
        device = self._spec.device
        job = None if self._jobs is None else self._jobs.current
        lease = next((one for one in held_here() if one.serial == device.info.serial), None)
        state: State = "leaving" if self.leaves else "measuring" if job else "in use" if lease else "ready"
        if state != self._state:
            self._state, self._since = state, datetime.now(UTC)
        return device.model_copy(update={"state": state, "job": job, "lease": lease, "since": self._since})


def lab_program() -> dict[str, str]:
    """What must be the same where work is sent: this program and its Python; libraries that measure may differ."""
    facts = program_facts()
    return {name: facts[name] for name in ("code", "Python")}


def leaving(leaves: Callable[[], bool]) -> Callable[[], str | None]:
    """Why no job can begin, while the device leaves."""
    return lambda: "the device has left the lab" if leaves() else None


async def serve(spec: WorkerSpec) -> None:
    """Be a worker until the device leaves."""
    import dask
    from distributed import Worker

    dask.config.set(SETTINGS)
    jobs = None if spec.device is None else Jobs(state_folder(), leaving(lambda: teller.leaves))
    teller = Teller(spec, jobs)
    here.HERE.jobs = jobs
    while not _gone(teller, jobs):
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # the scheduler is not there, now
            worker = Worker(
                spec.scheduler,
                nthreads=1,
                resources=spec.resources,
                metrics={METRIC: teller.report},
                security=security_of(spec.tls),
                memory_limit=0,
                dashboard=False,
                death_timeout=30,
                local_directory=str(state_folder() / "dask"),
            )
            async with worker:
                await _until_over(worker, teller, jobs)
        await asyncio.sleep(RETRY_S)


async def _until_over(worker: Any, teller: Teller, jobs: Jobs | None) -> None:
    while worker.status.name in here.AT_WORK:
        if _gone(teller, jobs):
            await worker.close(executor_wait=False)
            return
        await asyncio.sleep(0.2)
    await worker.finished()


def _gone(teller: Teller, jobs: Jobs | None) -> bool:
    return teller.leaves and (jobs is None or jobs.current is None)


def main(path: Path) -> None:
    """Be what the file at `path` says."""
    threading.Thread(target=end_with_the_starter, args=(sys.stdin.fileno(),), daemon=True).start()
    logging.basicConfig(level=logging.WARNING)
    spec = WorkerSpec.model_validate_json(path.read_bytes())
    asyncio.run(serve(spec))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
