"""The workers of a Dask scheduler that is there already; each piece of work has a process of its own on its worker.

What Dask would do and a search does not want is kept from it. It has no more tasks of ours than there are threads: so
none waits at a worker while another idles, or misses one that joins later. None is for one worker alone. None is
repeated: one whose worker is gone is lost, and said to be.
"""

import concurrent.futures
import logging
import os
import time
import uuid
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from exporter.data.errors import UsageProblem, code_of, first_line, sentence_of
from exporter.data.progress import Progress
from exporter.execution.child import Teller
from exporter.execution.executor import Job, Lost, Outcome, PlaceOptions
from exporter.execution.executors.on_worker import Answer, Sent, carried_out, host_of
from exporter.execution.executors.report import outcome_of
from exporter.execution.executors.roll import Roll
from exporter.execution.heavy import load
from exporter.execution.isolation import Trouble
from exporter.store.code import program_facts
from exporter.store.shelf import VARIABLE

PATIENCE_S = 10.0
"""For a scheduler to answer, and for a worker to be there."""

_PAUSE_S = 0.02
_RESULT_S = 60.0


class Cluster:
    """Implements `Place`.

    Args:
        address: of the scheduler.
        progress: is told what the work tells, and which workers are not used.
        patience_s: for the scheduler and for workers.

    Attributes:
        workers: those that can be used, each with its threads, as was seen last.
        at_once: how many threads those of a host have together.

    Raises:
        UsageProblem: the scheduler does not answer, or has no worker that can be used.
    """

    def __init__(self, address: str, progress: Progress, patience_s: float = PATIENCE_S) -> None:
        self.address = address
        self.progress = progress
        self.topic = f"mobile-export-{uuid.uuid4()}"
        self.facts = program_facts()
        self.workers: dict[str, int] = {}
        self.at_once: dict[str, int] = {}
        self._patience_s = patience_s
        self._running: dict[str, _Remote] = {}
        self._events: SimpleQueue[tuple[float, dict[str, Any]]] = SimpleQueue()
        self.client = _connected(address, patience_s)
        self._told: set[str] = set()
        self._roll = Roll(self.client, self.facts)
        try:
            self.client.subscribe_topic(self.topic, self._events.put)
            while not self.workers:
                time.sleep(_PAUSE_S)
                self.tend()
        except BaseException:
            self.close()
            raise

    @property
    def slots(self) -> int:
        """A piece of work for each thread of each worker that can be used; one where all are gone."""
        return max(1, sum(self.workers.values()))

    def has_room(self, need_bytes: int | None) -> bool:
        """Whether a worker is there; each waits by itself until its machine has the memory.

        Raises:
            UsageProblem: the scheduler is gone, or no worker has been there for a while.
        """
        self.tend()
        return bool(self.workers)

    def start(self, job: Job) -> "_Remote":
        """Send it to whichever worker Dask finds best."""
        return _Remote(self, job)

    def listen(self, key: str, remote: "_Remote") -> None:
        """What is told of `key` is for `remote`."""
        self._running[key] = remote

    def forget(self, key: str) -> None:
        """What is told of `key` from here on concerns nobody."""
        self._running.pop(key, None)

    def close(self) -> None:
        """Leave the cluster, which is as it was."""
        self._roll.close()
        with suppress(TimeoutError):  # nobody is there to take leave of
            self.client.close(timeout=2)

    def tend(self) -> None:
        """Pass on what was told, and see who is there.

        Raises:
            UsageProblem: the scheduler is gone, or no worker has been there for a while.
        """
        self._pass_on()
        if self.client.status != "running":
            raise UsageProblem(f"the scheduler {self.address} is gone. Start it again, and the same command again.")
        self._say_who_is_refused()
        self.workers = self._roll.present
        self.at_once = {}
        for address, threads in self.workers.items():
            self.at_once[host_of(address)] = self.at_once.get(host_of(address), 0) + threads
        self._check_patience()

    def _say_who_is_refused(self) -> None:
        for address, reason in self._roll.refused.items():
            if address not in self._told:
                self.progress.note(f"The worker {address} is not used: {reason}")
                self._told.add(address)

    def _check_patience(self) -> None:
        if self._roll.silent_s > self._patience_s:
            raise UsageProblem(f"the scheduler {self.address} has not answered for {self._patience_s:g} s.")
        if not self.workers and (self._roll.none_but_refused or self._roll.alone_s > self._patience_s):
            how = f"Start some: dask worker {self.address}"
            refused = [f"\nThe worker {address} is not used: {why}" for address, why in self._roll.refused.items()]
            raise UsageProblem(f"the scheduler {self.address} has no worker that can be used. {how}{''.join(refused)}")

    def _pass_on(self) -> None:
        while True:
            try:
                _, event = self._events.get_nowait()
            except Empty:
                return
            if remote := self._running.get(event["key"]):
                remote.told(event)


class _Remote:
    """A piece of work on a worker."""

    def __init__(self, cluster: Cluster, job: Job) -> None:
        self._cluster, self._job = cluster, job
        self._teller = Teller(cluster.progress)
        self._began: list[str] = []
        self._send()

    def _send(self) -> None:
        cluster = self._cluster
        self.key = f"mobile-export-{uuid.uuid4()}"
        self._for = set(cluster.workers)
        cluster.listen(self.key, self)
        sent = Sent(self._job, cluster.topic, cluster.facts, cluster.at_once, os.environ.get(VARIABLE))
        self._future = cluster.client.submit(
            carried_out, sent, key=self.key, workers=list(self._for), allow_other_workers=False, retries=0, pure=False
        )

    def told(self, event: dict[str, Any]) -> None:
        """By the worker that it is on."""
        if "began" in event:
            self._began.append(event["began"])
        else:
            self._teller.tell(event["told"])

    def look(self) -> Outcome | None:
        """As `Running` has it."""
        done = self._future.done()  # before the events are passed on, all of which were told before
        self._cluster.tend()
        if done:
            return self._answer()
        if len(self._began) > 1 or (self._began and self._began[0] not in self._cluster.workers):
            return Lost(f"the worker {self._began[0]} that it ran on is gone.")
        if not self._began and self._cluster.workers and self._for.isdisjoint(self._cluster.workers):
            self._call_off()  # nothing was begun, and of those that it was for none will be there again
            self._send()
        return None

    def end(self) -> None:
        """As `Running` has it; the worker ends the process as soon as it hears of it."""
        self._teller.close()
        self._call_off()

    def _call_off(self) -> None:
        self._cluster.forget(self.key)
        if self._cluster.client.status == "running":
            self._future.cancel()

    def _answer(self) -> Outcome | None:
        if self._future.status == "cancelled":
            return Lost("the cluster called it off.")
        try:
            answer: Answer | None = self._future.result(timeout=_RESULT_S)
        except TimeoutError:  # its worker is gone, and the result with it
            return None
        except Exception as error:  # noqa: BLE001 - of Dask, or of what a worker's thread met
            return without_answer(error)
        where = self._began[0] if self._began else ""
        return Lost("the cluster called it off.") if answer is None else outcome_of(answer.results, answer.code, where)


def without_answer(error: Exception) -> Outcome:
    """Dask takes a task for a killer after some workers died under it; everything else is no worker's end."""
    if isinstance(error, load("distributed").KilledWorker):
        return Lost("the worker that it ran on is gone.")
    if isinstance(error, concurrent.futures.CancelledError):
        return Lost("the scheduler was lost while its result came.")
    return Trouble(sentence_of(error), code_of(error))


def _connected(address: str, patience_s: float) -> Any:
    distributed = load("distributed", extra="cluster")
    if not logging.getLogger("exporter").isEnabledFor(logging.DEBUG):
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # all of it is said here, in sentences
    try:
        own = distributed.Security().get_connection_args("client")["ssl_context"]
        if address.startswith("tls://") and own is None:
            raise UsageProblem(f"the scheduler {address} wants certificates. docs/execution.md says how to give them.")
        return distributed.Client(address, timeout=patience_s, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:  # TimeoutError is an OSError
        raise UsageProblem(
            f"the scheduler {address} does not answer within {patience_s:g} s: {first_line(error)}. Is it there? "
            f"It is started with: dask scheduler"
        ) from error


def open_place(options: PlaceOptions, progress: Progress) -> Cluster:
    """The cluster whose scheduler the user names.

    Raises:
        UsageProblem: none is named, or as `Cluster`.
        MissingExtraError: Dask is not installed.
    """
    if options.scheduler is None:
        raise UsageProblem("Dask needs the address of a scheduler, such as --scheduler tcp://10.0.0.1:8786.")
    return Cluster(options.scheduler, progress)
