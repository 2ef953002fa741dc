"""One session for every device and format: order, warm-up, cool-down, rejection, repetition.

Runner, probe, meters (in the bench's stages) and clock are passed in.
"""

import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from device_harness.digests import tree_digest
from device_harness.errors import CommandFailedError, DeviceError, UnreadableOutputError
from device_harness.protocol import Device
from device_harness.runners.runner import RunRequest
from profilers.bench import Bench, Findings, Stage, Taken, Work, request_of
from profilers.clock import Clock, SystemClock
from profilers.conditions.conditions import Conditions, held_back, problems_before, throttled
from profilers.conditions.probe import DeviceProbe, Probe
from profilers.cores import core_groups
from profilers.losses import Holding, Losses, Unleased
from profilers.parse.linux.sampler import Sample
from profilers.plan import ProfilePlan
from profilers.result import ProfileResult
from profilers.watch.monitor import FREQUENCY_FILES, LIMIT_FILES, ONLINE_FILE, Monitor, monitored, readable_files

MOST_REJECTED = 3
COOLING_LOOK_S = 1.0
Say = Callable[[str], None]
Run = TypeVar("Run")


def say_nothing(words: str) -> None:
    """No progress is shown."""


@dataclass
class Entry(Generic[Run]):
    """A model in a session: where it lies on the device, what its processes gave, and what speaks against them."""

    path: Path
    sha256: str
    remote: str
    plan: ProfilePlan
    refused: str | None = None
    runs: list[Run] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)


def profile_models(
    device: Device,
    models: Sequence[Path],
    plan: ProfilePlan,
    bench: Bench[Any],
    *,
    probe: Probe | None = None,
    clock: Clock | None = None,
    say: Say = say_nothing,
    lease: Holding | None = None,
    settings: Sequence[ProfilePlan] = (),
) -> list[ProfileResult]:
    """Measure `models` on an open device.

    When the device is lost, or its lease, what was finished is the result, which says so; a model of which nothing was
    finished has none.

    Args:
        device: open; stays open.
        models: files or packages; each is measured once, also when it is given twice, and equal files are put there
            once.
        plan: what to do.
        bench: what runs and reads them.
        probe: looks at the device's conditions; None asks the device for all that it can tell.
        clock: time; None is this machine's.
        say: progress, one sentence a step.
        lease: of the device; None where nobody else could use it.
        settings: plans that take turns on each model, in this order in the result; `plan` then says only how many
            processes there are and how they cool down. One that the runner refuses says so, and ends no other.

    Raises:
        DeviceError: nothing was finished: the device or the runner failed, or it throttles again and again; nothing
            is left on the device when it is closed.
    """
    looks, time = probe or DeviceProbe(device), clock or SystemClock()
    losses = Losses(device, lease or Unleased(), say)
    return _Session(device, plan, bench, looks, time, say, losses, tuple(settings)).profile(models)


@dataclass(frozen=True)
class _Session(Generic[Run]):
    device: Device
    plan: ProfilePlan
    bench: Bench[Run]
    probe: Probe
    clock: Clock
    say: Say
    losses: Losses
    settings: tuple[ProfilePlan, ...] = ()
    warnings: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def profile(self, models: Sequence[Path]) -> list[ProfileResult]:
        self.bench.runner.prepare(self.device)
        entries = self._place(models)
        screen = self.device.can.screen
        if screen is not None and self.bench.lit:
            screen.light()
        elif screen is not None and not self.plan.quick:
            screen.darken()
        start = self.probe.look()
        if not self.plan.quick:
            self.warnings.extend(problems_before(start, self.plan))
        groups = core_groups(self.device.can.shell)
        at = self.clock.utc()
        self._measure(entries, start)
        if self.losses.end is not None and not any(entry.runs for entry in entries):
            raise self.losses.end
        taken = Taken(self.device.info(), self.plan, at, tuple(self.samples))
        found = [
            self._result(one, taken._replace(plan=one.plan)) if one.runs else _refused(one, taken) for one in entries
        ]
        return [one.model_copy(update={"cores": groups}) for one in found if one.readings or one.stopped]

    def _place(self, models: Sequence[Path]) -> list[Entry[Run]]:
        """Each path once; equal files are two entries, as a file against its copy, and lie there once."""
        remotes: dict[str, str] = {}
        entries: list[Entry[Run]] = []
        for path in dict.fromkeys(models):
            digest = tree_digest(path)
            if digest not in remotes:
                remotes[digest] = self.bench.runner.place(self.device, path, f"{digest[:8]}-{path.name}")
            entries += [Entry(path, digest, remotes[digest], plan) for plan in self.settings or (self.plan,)]
        return entries

    def _watched(self) -> contextlib.AbstractContextManager[Monitor]:
        """Samples what a run could be held back by, while it runs."""
        shell, thermal = self.device.can.shell, self.device.can.thermal
        if shell is None:
            return contextlib.nullcontext(Monitor())
        files = readable_files(shell, [FREQUENCY_FILES, LIMIT_FILES, ONLINE_FILE])
        service = thermal.thermal_command if thermal is not None else ()
        return monitored(shell, files, self.plan.sampling_interval_s, service)

    def _measure(self, entries: Sequence[Entry[Run]], start: Conditions) -> None:
        """Processes in random order: what changes in the course of a session falls on every model alike.

        Every second round has the order of the one before turned around, so that who was started first does not count.
        Where the runner can, those of a round run at the same time, and take turns of milliseconds.
        """
        order = random.Random(self.plan.seed)  # noqa: S311 - an order of runs, no secret
        drawn = list(entries)
        for number in range(self.plan.processes):
            drawn = drawn[::-1] if number % 2 else order.sample(drawn, len(drawn))
            for part in [drawn] if self._together else [[entry] for entry in drawn]:
                names = " and ".join(entry.path.name for entry in part)
                self.say(f"{self.device.serial}: {names}, process {number + 1} of {self.plan.processes}")
                if not self.losses.done(lambda part=part, number=number: self._turn(part, number, start)):  # type: ignore[misc]
                    return

    @property
    def _together(self) -> bool:
        """Settings of one model take whole processes: one that the runner refuses must not end the others."""
        return self.bench.together is not None and not self.settings

    def _turn(self, part: Sequence[Entry[Run]], number: int, start: Conditions) -> None:
        """A setting that the runner refuses, such as an accelerator that is not there, is left out of later rounds."""
        if any(entry.refused is not None for entry in part):
            return
        try:
            self._run_until_cool(part, number, start)
        except (CommandFailedError, UnreadableOutputError) as error:
            self.losses.lease.check()
            if not self.settings:
                raise
            for entry in part:
                entry.refused = str(error)

    def _run_until_cool(self, part: Sequence[Entry[Run]], number: int, start: Conditions) -> None:
        """A process of each that counts; those during which the device throttled are rejected and done again."""
        hot = False
        while True:
            if self.plan.cool_down and (number or any(entry.runs or entry.rejected for entry in part)):
                self._cool_down(start, hot=hot)
            before = self.probe.look()
            with self._watched() as monitor:
                runs = self._run([self._request(entry) for entry in part])
            complaint = next(filter(None, map(self.bench.reader.complaint, runs)), None)
            reason = complaint or throttled(before, self.probe.look(), monitor.samples)
            self.losses.lease.check()  # until its end nobody else can have used the device
            if reason is None:
                for entry, run in zip(part, runs, strict=True):
                    entry.runs.append(run)
                    entry.held_back.extend(held_back(before))
                self.samples.extend(monitor.samples)
                return
            hot = True
            for entry in part:
                entry.rejected.append(f"process {number + 1}: {reason}")
            if len(part[0].rejected) > MOST_REJECTED:
                raise DeviceError(
                    f"{self.device.serial} throttles again and again ({reason}). Let it cool down, take it out of its "
                    "case, or profile with shorter runs.",
                    serial=self.device.serial,
                )

    def _run(self, requests: Sequence[RunRequest]) -> list[Run]:
        if len(requests) > 1 and self.bench.together is not None:
            return self.bench.together(self.device, requests)
        return [self.bench.runner.run(self.device, request) for request in requests]

    def _request(self, entry: Entry[Run]) -> RunRequest:
        return request_of(entry.plan, entry.remote)._replace(placement=True)

    def _cool_down(self, start: Conditions, *, hot: bool) -> None:
        """Wait until the temperature is back at its start; where none is told, the whole limit after a hot run."""
        limit = self.plan.cool_down_limit_s
        if start.temperature_k is None:
            self.clock.wait(limit if hot else 0)
            return
        end = self.clock.now() + limit
        while True:
            now = self.probe.look().temperature_k
            if now is None or now <= start.temperature_k + self.plan.cool_down_margin_k:
                return
            if self.clock.now() >= end:
                self.warnings.append(f"it did not cool down to its start temperature within {limit:g} s")
                return
            self.clock.wait(min(COOLING_LOOK_S, limit / 10))

    def _result(self, entry: Entry[Run], taken: Taken) -> ProfileResult:
        readings = self.bench.reader.readings(entry.runs, taken)
        work = Work(self.device, taken.info, entry.plan, self.bench, self.clock, entry.path, entry.remote, readings)
        self.say(f"{self.device.serial}: what takes runs of its own, of {entry.path.name}")
        found = self._stages(work)
        told = (warning for one in found for warning in one.warnings)
        warnings = (*self.warnings, *self._returns(), *self.bench.reader.warnings(entry.runs), *told)
        return ProfileResult(
            artifact=str(entry.path),
            sha256=entry.sha256,
            device=taken.info,
            plan=entry.plan,
            readings=(*readings, *(reading for one in found for reading in one.readings)),
            outputs=next((one.outputs for one in found if one.outputs is not None), None),
            ops=tuple(op for one in found for op in one.ops),
            sustained=next((one.sustained for one in found if one.sustained is not None), None),
            warnings=tuple(dict.fromkeys(warnings)),
            rejected=tuple(entry.rejected),
            held_back="; ".join(dict.fromkeys(entry.held_back)) or None,
            stopped=self._ending(entry),
        )

    def _stages(self, work: Work[Run]) -> list[Findings]:
        found: list[Findings] = []
        for stage in self.bench.stages:
            if not self.losses.done(lambda stage=stage: self._stage(stage, work, found)):  # type: ignore[misc]
                break
        return found

    def _stage(self, stage: Stage, work: Work[Run], found: list[Findings]) -> None:
        findings = stage(work)
        self.losses.lease.check()
        found.append(findings)

    def _returns(self) -> tuple[str, ...]:
        times = self.losses.returns
        words = f"the connection was lost {times} times and came back: what it was lost over was done again"
        return (words.replace("1 times", "once"),) if times else ()

    def _ending(self, entry: Entry[Run]) -> str | None:
        if entry.refused is not None:
            return entry.refused
        if self.losses.end is None:
            return None
        count = f"{len(entry.runs)} of {self.plan.processes} processes were finished and are kept"
        return f"it ended before the plan was done ({count}): {self.losses.end}"


def _refused(entry: Entry[Run], taken: Taken) -> ProfileResult:
    """A setting of which no process ended; without a reason where the session was over before its turn."""
    return ProfileResult(
        artifact=str(entry.path),
        sha256=entry.sha256,
        device=taken.info,
        plan=entry.plan,
        readings=(),
        rejected=tuple(entry.rejected),
        stopped=entry.refused,
    )
