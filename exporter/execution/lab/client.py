"""Who sends work to a lab: knows its devices, sends files and jobs, and stays with a job until it knows what became.

A job is bound to its device by a resource of Dask, and has a name of its own. When the network or the scheduler is
lost, it is asked for by that name again, for so long as the user's patience lasts: its host begins it once at most.
"""

import asyncio
import concurrent.futures
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from device_harness.digests import tree_digest
from exporter.data.errors import ToolError, UsageProblem, code_of, first_line, sentence_of
from exporter.data.lab import LabDevice, LabReport
from exporter.data.progress import Progress
from exporter.execution.child import Teller
from exporter.execution.executor import Lost, Outcome
from exporter.execution.executors.report import outcome_of
from exporter.execution.executors.roll import difference
from exporter.execution.heavy import load
from exporter.execution.isolation import Trouble
from exporter.execution.lab import files, here
from exporter.execution.lab.connection import ASKING_S, LabAddress, connected, identity_of, reports_in
from exporter.execution.lab.jobs import Answer, HostLoad, SentJob
from exporter.execution.lab.worker import lab_program

CANCELLED = (asyncio.CancelledError, concurrent.futures.CancelledError)
"""What Dask raises of a task that was called off, its own kind where the scheduler was lost while a result came."""
ASK_EVERY_S = 0.5
RESULT_S = 60.0
DEVICE = "device:"
"""Before a device's name, its resource of Dask."""


@dataclass(frozen=True)
class Ended:
    """What became of a job.

    Attributes:
        outcome: as of any work.
        load: of its host meanwhile, where it was done.
        refused: whether it was not begun, so that another device may have it.
    """

    outcome: Outcome
    load: HostLoad | None = None
    refused: bool = False


class Lab:
    """A connection to a lab; from one thread.

    Args:
        at: where it is.
        progress: is told what jobs tell, and who is away.

    Raises:
        UsageProblem: the scheduler does not answer.
        MissingExtraError: Dask is not installed.
    """

    def __init__(self, at: LabAddress, progress: Progress) -> None:
        self.at, self.progress = at, progress
        self.topic = f"mobile-export-lab-{uuid.uuid4()}"
        self.client = connected(at)
        self.asked_at = self.answered_at = 0.0
        self._program = lab_program()
        self._reports: dict[str, LabReport] = {}
        self._events: SimpleQueue[tuple[float, dict[str, Any]]] = SimpleQueue()
        self._sent: dict[str, Sending] = {}
        self._known: set[tuple[str, str]] = set()
        self._digests: dict[Path, str] = {}
        try:
            self.client.subscribe_topic(self.topic, self._events.put)
            self.tend()
            if not self.answered_at:
                raise UsageProblem(f"the scheduler {at.scheduler} does not answer.")
        except BaseException:
            self.close()
            raise

    @property
    def reports(self) -> tuple[LabReport, ...]:
        """What its processes told last."""
        return tuple(self._reports.values())

    @property
    def devices(self) -> dict[str, LabDevice]:
        """Those that this program can send to, by name."""
        return {one.name: one for report in self._reports.values() for one in report.devices if self._same(report)}

    @property
    def refused(self) -> dict[str, str]:
        """Devices and hosts that have another program, each with what differs."""
        differ = {(report.devices or [report])[0]: report for report in self.reports if not self._same(report)}
        return {
            one.name if isinstance(one, LabDevice) else one.host: difference(self._program, report.program) or ""
            for one, report in differ.items()
        }

    def tend(self) -> None:
        """Pass on what was told, and every now and then see who is there."""
        while True:
            try:
                _, event = self._events.get_nowait()
            except Empty:
                break
            if (sending := self._sent.get(event.get("job", ""))) is not None:
                sending.told(event["told"])
        if time.monotonic() - self.asked_at >= ASK_EVERY_S:
            self.asked_at = time.monotonic()
            self._ask()

    def send(self, job: SentJob, device: LabDevice) -> "Sending":
        """Have a device carry out a job."""
        sending = Sending(self, job, device)
        self._sent[job.id] = sending
        return sending

    def forget(self, sending: "Sending") -> None:
        """Nothing that is told of it concerns anybody any more."""
        self._sent.pop(sending.job.id, None)

    def put(self, host: str, path: Path) -> str:
        """Have a file or package on a host; gives its digest.

        Raises:
            ToolError: the host cannot be reached, or has no place for it.
        """
        digest = self._digests.setdefault(path, tree_digest(path))
        if (host, digest) in self._known:
            return digest
        if not self.on_host(host, files.has, digest):
            token = files.new_token()
            with self.progress.stage(f"{path.name} travels to {host}"):
                for chunk in files.chunks(path):
                    self.on_host(host, files.put, token, chunk)
                self.on_host(host, files.finish, token, digest)
        self._known.add((host, digest))
        return digest

    def on_host(self, host: str, function: Any, *arguments: Any) -> Any:
        """Call a function in a host's own process.

        Raises:
            ToolError: the host cannot be reached, or the function failed.
        """
        address = next((at for at, one in self._reports.items() if one.is_host and one.host == host), None)
        if address is None:
            raise ToolError(f"the host {host} is not there.")
        try:
            answers = self.client.run(function, *arguments, workers=[address])
        except Exception as error:  # of Dask, of the network, or of the host's disk
            raise ToolError(f"the host {host} did not do its part: {first_line(error)}.") from error
        return answers[address]

    def reconnect(self) -> bool:
        """Whether the scheduler is there; tried again where it was not."""
        if self.client.status == "closed":
            with suppress(UsageProblem):
                self.client = connected(self.at)
        if self.client.status != "running":
            return False
        self.client.subscribe_topic(self.topic, self._events.put)
        return True

    def close(self) -> None:
        """Call off everything, and leave the lab as it is."""
        self._sent.clear()
        with suppress(TimeoutError):  # nobody is there to take leave of
            self.client.close(timeout=2)

    def _ask(self) -> None:
        if self.client.status != "running":
            self.reconnect()
            return
        with suppress(OSError, *CANCELLED):  # it is silent, or gone: whoever waits says for how long
            answer = self.client.sync(identity_of, self.client, callback_timeout=ASKING_S + 1)
            self._reports = reports_in(answer)
            self.answered_at = time.monotonic()

    def _same(self, report: LabReport) -> bool:
        return report.program == self._program


class Sending:
    """A job that was sent to a device.

    Attributes:
        job: itself.
        device: as it was then.
    """

    def __init__(self, lab: Lab, job: SentJob, device: LabDevice) -> None:
        self.lab, self.job, self.device = lab, job, device
        self._teller = Teller(lab.progress)
        self._seen = time.monotonic()
        self._missed = False
        self._submit()

    def told(self, events: list[dict[str, Any]]) -> None:
        """By the process that carries it out."""
        self._teller.tell(events)

    def look(self) -> Ended | None:
        """What became of it; None while that is not known yet."""
        self.lab.tend()
        if self._future.done() and (ended := self._answered()) is not None:
            return ended
        return self._patient()

    def end(self) -> None:
        """Call it off where it is still at work; its host ends it as soon as it hears of that."""
        self._teller.close()
        self.lab.forget(self)
        if self.lab.client.status == "running":
            self._future.cancel()

    def _submit(self) -> None:
        """Under a fresh key: one that Dask has seen keeps the resources that it had."""
        self._future = self.lab.client.submit(
            here.carry_out,
            self.job,
            key=f"mobile-export-lab-{uuid.uuid4()}",
            resources={f"{DEVICE}{self.device.name}": 1},
            retries=0,
            pure=False,
        )

    def _answered(self) -> Ended | None:
        answer: Answer | None = None
        if self._future.status == "finished":
            with suppress(OSError, *CANCELLED):  # its worker is gone with it, and the host has it still
                answer = self._future.result(timeout=RESULT_S)
        elif self._future.status == "error" and not isinstance(self._future.exception(), _gone()):
            error = self._future.exception()
            return Ended(Trouble(sentence_of(error), code_of(error)))
        if answer is not None:
            return self._ended(answer)
        if self.lab.reconnect():
            self._submit()
        return None

    def _ended(self, answer: Answer) -> Ended:
        if answer.lost is not None:
            return Ended(Lost(f"not measured, because {answer.lost}."), refused=answer.refused)
        outcome = outcome_of(answer.results, answer.code, self.device.name)
        if isinstance(outcome, Lost):
            outcome = Lost(f"not measured, because {outcome.reason}")
        return Ended(outcome, answer.load)

    def _patient(self) -> Ended | None:
        now, lab = time.monotonic(), self.lab
        silent = now - lab.answered_at > 2 * (ASKING_S + 1)
        if self.device.name in lab.devices and not silent:
            self._seen, self._missed = now, False
            return None
        who = f"the scheduler {lab.at.scheduler}" if silent else self.device.name
        if not self._missed and now - self._seen > ASKING_S:
            self._missed = True
            lab.progress.note(f"{who} is not there; waiting for it for at most {lab.at.away_s:g} s.")
        if now - self._seen <= lab.at.away_s:
            return None
        return Ended(
            Lost(
                f"not measured, because {who} was not there for {lab.at.away_s:g} s. If it was begun, it goes on there "
                f"and is kept: mobile-export lab collect {self.job.id} --scheduler {lab.at.scheduler}"
            )
        )


def _gone() -> tuple[type[BaseException], ...]:
    """What a task's error is when its worker or its client was lost, and nothing was wrong with it."""
    distributed = load("distributed", extra="cluster")
    killed: type[BaseException] = distributed.KilledWorker
    return (killed, OSError, *CANCELLED)
