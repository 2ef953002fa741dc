"""Measures a reference model on the phones of a lab, night after night, and says which are not what they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from exporter.data.errors import UsageProblem, file_problem
from exporter.data.facts.profile import DeviceProfile
from exporter.data.lab import Night
from exporter.data.progress import Progress
from exporter.data.results.lab import DriftResult
from exporter.data.verdict import Status, Verdict, exit_code
from exporter.execution.lab.connection import LabAddress
from exporter.gates.drift import accepted_night, judge_drift, unmeasured_night
from exporter.use_cases.lab.profile import profile_in_lab
from exporter.use_cases.profile import ProfileRequest
from profilers.statistics import percentile


@dataclass(frozen=True)
class DriftRequest:
    """What is measured, and held against what.

    Attributes:
        profile: the reference model, and how it is measured.
        devices: of ``--device``.
        history: file of earlier nights, a line each; made where it is not there.
        accept: whether what is measured now is what later nights are held against.
        strict: whether what could not be checked fails.
    """

    profile: ProfileRequest
    devices: Sequence[str]
    history: Path
    accept: bool = False
    strict: bool = False


def drift(request: DriftRequest, at: LabAddress, progress: Progress) -> DriftResult:
    """Measure, judge, and write the night down.

    Raises:
        UsageProblem: the lab cannot be reached, or the history cannot be read or written.
    """
    before = read_history(request.history)
    found = profile_in_lab(request.profile, request.devices, at, progress)
    return judged(request, before, found)


def judged(request: DriftRequest, before: Sequence[Night], found: Sequence[DeviceProfile]) -> DriftResult:
    """What was measured on every device, held against its own nights and added to them."""
    verdicts: list[Verdict] = []
    for item in found:
        night = night_of(item, accepted=request.accept)
        if isinstance(night, str):
            verdicts.append(unmeasured_night(item.device, night))
            continue
        verdict = judge_drift(night, before)
        drifted = verdict.status is Status.FAILED and not request.accept
        add_night(request.history, night.model_copy(update={"drifted": drifted}))
        verdicts.append(accepted_night(verdict) if request.accept else verdict)
    failed = any(item.error for item in found)
    code = 3 if failed else exit_code(verdicts, strict=request.strict)
    return DriftResult(Path(request.profile.models[0]).name, tuple(verdicts), code, datetime.now(UTC))


def night_of(item: DeviceProfile, *, accepted: bool = False) -> Night | str:
    """What a profile says of the phone; or why it says nothing, as a sentence."""
    result = item.result
    if result is None or item.error:
        return item.error or item.skipped or "It was not measured."
    if result.held_back:
        return f"The device was held back while it was measured: {result.held_back}."
    latency = next((one for one in result.readings if one.metric == "latency" and one.obtained == "measured"), None)
    if latency is None:
        return "Its latency could not be had."
    conditions = {**latency.conditions, "source": latency.source, "os": result.device.os or ""}
    return Night(
        at=latency.taken_at,
        device=item.device,
        sha256=result.sha256,
        conditions=conditions,
        latency_s=percentile(latency.samples, 50),
        accepted=accepted,
    )


def read_history(path: Path) -> list[Night]:
    """The nights of a file, in order; none where it is not there.

    Raises:
        UsageProblem: it cannot be read; with the line that is wrong.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path}, the history of drift, cannot be read: {error}.") from error
    nights = []
    for number, line in enumerate(lines, 1):
        try:
            night = Night.model_validate_json(line)
        except ValidationError as error:
            raise UsageProblem(f"{path}, line {number}: {error.errors()[0]['msg']}. Remove the line.") from error
        if night.schema_version != 1:
            raise UsageProblem(f"{path}, line {number} is of version {night.schema_version}. Upgrade mobile-export.")
        nights.append(night)
    return nights


def add_night(path: Path, night: Night) -> None:
    """Write it behind the others.

    Raises:
        UsageProblem: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{night.model_dump_json()}\n")
    except OSError as error:
        raise file_problem(path, error) from error
