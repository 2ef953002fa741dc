"""Measures on the devices of a lab: each in its turn, and what becomes of every measurement is said once."""

import pickle
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.profile import DeviceProfile
from exporter.data.lab import LabDevice, LabPlace
from exporter.data.progress import Progress
from exporter.data.settings.target import Target
from exporter.execution.executor import Done, Lost
from exporter.execution.interrupts import interrupted
from exporter.execution.isolation import Trouble
from exporter.execution.lab.client import Ended, Lab, Sending
from exporter.execution.lab.connection import LabAddress
from exporter.execution.lab.jobs import SentJob
from exporter.formats.registry import format_named
from exporter.use_cases.devices.choice import unmeasured
from exporter.use_cases.lab.choosing import Wanted, choose, shares
from exporter.use_cases.lab.measuring import Measurement, SentFile, measure, placed
from exporter.use_cases.profile import ProfileRequest
from profilers.plan import ProfilePlan

POLL_S = 0.05


def profile_in_lab(
    request: ProfileRequest, asked: Sequence[str], at: LabAddress, progress: Progress
) -> list[DeviceProfile]:
    """Profile on the devices of a lab, in the order asked for; each model on each device once, or the reason why not.

    Args:
        request: what is measured.
        asked: of ``--device``.
        at: where the lab is.
        progress: is told what is done where.

    Raises:
        UsageProblem: the lab cannot be reached, or has no such device.
    """
    if request.choice.libraries is not None or request.given.files:
        raise UsageProblem(
            "--libraries and --input are of this machine: a lab has models and programs sent, no others."
        )
    with closing(Lab(at, progress)) as lab:
        wanted, skipped = choose(asked, request.form, all_devices(lab))
        subject = request.name or Path(request.models[0]).name
        return [*Measuring(lab, request, wanted).done(), *(unmeasured(subject, one) for one in skipped)]


def check_lab(
    asked: Sequence[str], targets: Sequence[Target], at: LabAddress, progress: Progress
) -> dict[str, tuple[str, ...]]:
    """What of ``--device`` each target is measured on, by its name; refuses now what no device could do later.

    Raises:
        UsageProblem: the lab cannot be reached, or something that was asked for fits no target.
    """
    with closing(Lab(at, progress)) as lab:
        return shares(asked, {target.name: format_named(target.format) for target in targets}, all_devices(lab))


def profile_target_in_lab(
    target: Target,
    artifact: Path,
    asked: Sequence[str],
    plan: ProfilePlan,
    at: LabAddress,
    progress: Progress,
    wait_s: float = 0.0,
) -> list[DeviceProfile]:
    """A run's artifact on the devices of a lab; see `profile_in_lab`."""
    form = format_named(target.format)
    request = ProfileRequest(form, [artifact], plan, target=target, name=target.name, wait_s=wait_s)
    return profile_in_lab(request, asked, at, progress)


def all_devices(lab: Lab) -> dict[str, LabDevice]:
    """Those of the lab that run this program.

    Raises:
        UsageProblem: all of them have another one.
    """
    if not lab.devices and lab.refused:
        told = "\n".join(f"{name} is not used: {why}" for name, why in sorted(lab.refused.items()))
        raise UsageProblem(f"the lab {lab.at.scheduler} has no device that can be used.\n{told}")
    return lab.devices


@dataclass
class Measuring:
    """Measurements that wait, those that run, and what became of the others, by their place in the order."""

    lab: Lab
    request: ProfileRequest
    wanted: Sequence[Wanted]
    found: dict[int, list[DeviceProfile]] = field(default_factory=dict)
    sent: dict[int, Sending] = field(default_factory=dict)
    missing_since: dict[int, float] = field(default_factory=dict)

    def done(self) -> list[DeviceProfile]:
        """All of them, when all have ended."""
        while len(self.found) < len(self.wanted):
            if interrupted():
                raise KeyboardInterrupt
            self.lab.tend()
            for place, sending in list(self.sent.items()):
                self._look(place, sending)
            for place, one in enumerate(self.wanted):
                if place not in self.sent and place not in self.found:
                    self._begin(place, one)
            time.sleep(POLL_S)
        return [profile for place in range(len(self.wanted)) for profile in self.found[place]]

    def _begin(self, place: int, one: Wanted) -> None:
        """Send it to a device that is free, or to the one that is meant; give up where none has been there for long."""
        devices = [device for device in self.lab.devices.values() if one.means(device) and self._takes(device)]
        now = time.monotonic()
        if devices and all(device.name in self._measured() for device in devices):
            reason = f"not measured, because every device that is {one.asked} has been measured already."
            self.found[place] = [DeviceProfile(device=one.asked, result=None, error=reason)]
        elif devices:
            self.missing_since.pop(place, None)
        elif now - self.missing_since.setdefault(place, now) > self.lab.at.away_s:
            away_s = self.lab.at.away_s
            reason = f"not measured, because no device of the lab that is {one.asked} was there for {away_s:g} s."
            self.found[place] = [DeviceProfile(device=one.name or one.asked, result=None, error=reason)]
        free = [
            device for device in devices if device.name not in self._busy() and (one.name or device.state == "ready")
        ]
        if free and place not in self.found:
            self._send(place, min(free, key=self._load_of_host))

    def _takes(self, device: LabDevice) -> bool:
        return self.request.form.name in device.formats and device.state in ("ready", "measuring", "in use")

    def _busy(self) -> set[str]:
        """Devices that have a job of this command, or had it already."""
        return {sending.device.name for sending in self.sent.values()} | self._measured()

    def _measured(self) -> set[str]:
        return {item.device for items in self.found.values() for item in items}

    def _load_of_host(self, device: LabDevice) -> tuple[int, str]:
        sent = sum(sending.device.host == device.host for sending in self.sent.values())
        at_work = sum(one.host == device.host and one.state == "measuring" for one in self.lab.devices.values())
        return (sent + at_work, device.name)

    def _send(self, place: int, device: LabDevice) -> None:
        try:
            content = pickle.dumps((measure, (self._measurement(device),)))
        except ToolError as error:  # its host is gone, which is waited for
            self.lab.progress.note(str(error))
            return
        job = SentJob(uuid.uuid4().hex, content, self.lab.topic)
        self.lab.progress.note(f"{device.name} measures")
        self.sent[place] = self.lab.send(job, device)

    def _measurement(self, device: LabDevice) -> Measurement:
        request = self.request
        programs = {
            path
            for path in (request.choice.binary, request.choice.library, request.choice.app)
            if path and Path(path).exists()
        }
        return Measurement(
            form=request.form.name,
            models=tuple(self._sent_file(device, path) for path in request.models),
            plan=request.plan,
            choice=request.choice,
            programs={path: self._sent_file(device, Path(path)) for path in sorted(programs)},
            target=request.target,
            name=request.name,
            wait_s=request.wait_s,
            given=request.given,
            serial=device.info.serial,
        )

    def _sent_file(self, device: LabDevice, path: Path) -> SentFile:
        return SentFile(self.lab.put(device.host, path), str(path))

    def _look(self, place: int, sending: Sending) -> None:
        ended = sending.look()
        if ended is None:
            return
        self.sent.pop(place)
        sending.end()
        if not ended.refused:  # else another device may have it
            self.found[place] = told(ended, sending)


def told(ended: Ended, sending: Sending) -> list[DeviceProfile]:
    """What became of a measurement, as profiles of its device."""
    device, outcome = sending.device, ended.outcome
    if isinstance(outcome, Done) and ended.load is not None:
        place = LabPlace(host=device.host, job=sending.job.id, cpu_share=ended.load.cpu_share, beside=ended.load.beside)
        found: list[DeviceProfile] = outcome.value
        return [placed(item, device.name, place) for item in found]
    reason = outcome.sentence if isinstance(outcome, Trouble) else outcome.reason if isinstance(outcome, Lost) else ""
    return [DeviceProfile(device=device.name, result=None, info=device.info, error=reason)]
