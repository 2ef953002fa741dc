"""A measurement as a lab's host carries it out: the same as here, on files that it has by their digest."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from exporter.data.facts.profile import DeviceProfile
from exporter.data.lab import LabPlace
from exporter.data.progress import Progress
from exporter.data.settings.target import Target
from exporter.data.verdict import Verdict
from exporter.execution.lab import files
from exporter.formats.devices import RunnerChoice
from exporter.formats.registry import format_named
from exporter.use_cases.devices.inputs import Given
from exporter.use_cases.profile import ProfileRequest, profile
from profilers.plan import ProfilePlan
from profilers.result import ProfileResult

BUSY = 0.5
"""Share of a host's processors from which on it is said beside the readings; a job of an idle host takes less."""


@dataclass(frozen=True)
class SentFile:
    """A file or package that a host has.

    Attributes:
        digest: of its content.
        path: where it is on the machine of who sent it.
    """

    digest: str
    path: str


@dataclass(frozen=True)
class Measurement:
    """What is measured on a device of a lab.

    Attributes:
        form: name of the models' format.
        models: in the order given.
        plan: as `ProfileRequest` has it; so are those below.
        choice: whose program and library, where they are files, are among `programs`.
        programs: by the path in `choice`.
        serial: of the device, on its host.
    """

    form: str
    models: tuple[SentFile, ...]
    plan: ProfilePlan
    choice: RunnerChoice
    programs: dict[str, SentFile]
    target: Target | None
    name: str | None
    wait_s: float
    given: Given
    serial: str


def measure(work: Measurement, progress: Progress) -> list[DeviceProfile]:
    """In the process of a job, on the host that has the device."""
    with tempfile.TemporaryDirectory() as folder:
        models = [_laid(one, Path(folder) / str(number)) for number, one in enumerate(work.models)]
        programs = {
            path: str(_laid(one, Path(folder) / f"program-{number}"))
            for number, (path, one) in enumerate(work.programs.items())
        }
        choice = work.choice._replace(
            binary=programs.get(work.choice.binary or "", work.choice.binary),
            library=programs.get(work.choice.library or "", work.choice.library),
            app=programs.get(work.choice.app or "", work.choice.app),
        )
        request = ProfileRequest(
            format_named(work.form),
            models,
            work.plan,
            choice,
            work.target,
            work.name,
            wait_s=work.wait_s,
            given=work.given,
        )
        found = profile(request, [work.serial], say=progress.note)
        paths = {str(laid): one.path for laid, one in zip(models, work.models, strict=True)}
        return [_as_sent(item, paths) for item in found]


def _laid(file: SentFile, folder: Path) -> Path:
    """Under its own name, which tells its kind; the content is not copied where the disk can do without."""
    folder.mkdir()
    source, path = files.path_of(file.digest), folder / Path(file.path).name
    if source.is_dir():
        shutil.copytree(source, path, copy_function=_linked)
    else:
        _linked(str(source), str(path))
    return path


def _linked(source: str, path: str) -> None:
    try:
        os.link(source, path)
    except OSError:  # another disk
        shutil.copy(source, path)


def _as_sent(item: DeviceProfile, paths: dict[str, str]) -> DeviceProfile:
    if item.result is None:
        return item
    artifact = paths.get(item.result.artifact, item.result.artifact)
    return item.model_copy(update={"result": item.result.model_copy(update={"artifact": artifact})})


def placed(item: DeviceProfile, name: str, place: LabPlace) -> DeviceProfile:
    """A profile as the lab's: under the name that the device has there, with what its host did beside.

    Args:
        item: as the host measured it.
        name: of the device in the lab.
        place: where it was.
    """
    verdicts = tuple(_renamed(verdict, item.device, name) for verdict in item.verdicts)
    told = {"device": name, "verdicts": verdicts, "lab": place, "result": _with_host(item.result, name, place)}
    if item.info is not None:
        told["info"] = item.info.model_copy(update={"serial": name})
    return item.model_copy(update=told)


def _with_host(result: ProfileResult | None, name: str, place: LabPlace) -> ProfileResult | None:
    if result is None:
        return None
    readings = tuple(reading.model_copy(update={"device": name}) for reading in result.readings)
    device = result.device.model_copy(update={"serial": name})
    warnings = (*result.warnings, place.told()) if place.beside or place.cpu_share >= BUSY else result.warnings
    return result.model_copy(update={"readings": readings, "device": device, "warnings": warnings})


def _renamed(verdict: Verdict, serial: str, name: str) -> Verdict:
    if not verdict.subject.endswith(f" on {serial}"):
        return verdict
    return verdict.model_copy(update={"subject": f"{verdict.subject.removesuffix(serial)}{name}"})
