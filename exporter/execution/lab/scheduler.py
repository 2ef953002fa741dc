"""The scheduler of a lab, as a process of its own; started by `mobile-export lab serve`, and ends with it."""

import asyncio
import logging
import sys
import threading
from pathlib import Path

from exporter.data.base import Frozen
from exporter.execution.forked import end_with_the_starter
from exporter.execution.lab.security import security_of

SETTINGS = {
    "distributed.scheduler.work-stealing": False,  # a job is of one device
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.comm.timeouts.tcp": "15s",
    "distributed.comm.timeouts.connect": "5s",
}


class SchedulerSpec(Frozen):
    """What it is.

    Attributes:
        host: an address of this machine that it listens on.
        port: likewise; 0 takes a free one.
        tls: folder of certificates; None goes without.
        file: its address is written there when it listens.
        silent_s: a process that was not heard of for so long is given up, until it comes back.
    """

    host: str
    port: int
    tls: Path | None = None
    file: Path
    silent_s: float = 20.0


async def serve(spec: SchedulerSpec) -> None:
    """Until it is ended."""
    import dask
    from distributed import Scheduler

    dask.config.set(SETTINGS)
    protocol = "tcp" if spec.tls is None else "tls"
    scheduler = Scheduler(
        worker_ttl=spec.silent_s,
        host=spec.host,
        port=spec.port,
        protocol=protocol,
        security=security_of(spec.tls),
        dashboard=False,
    )
    async with scheduler:
        unfinished = spec.file.with_suffix(".unfinished")
        unfinished.write_text(str(scheduler.address))
        unfinished.rename(spec.file)
        await scheduler.finished()


def main(path: Path) -> None:
    """Be what the file at `path` says."""
    threading.Thread(target=end_with_the_starter, args=(sys.stdin.fileno(),), daemon=True).start()
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(SchedulerSpec.model_validate_json(path.read_bytes())))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
