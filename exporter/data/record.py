"""RunRecord: everything one run found out, as frozen data; `run.json` is its JSON form."""

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from device_harness.facts import DeviceInfo
from exporter.data.artifact import Artifact
from exporter.data.base import Frozen
from exporter.data.compression import StepResult
from exporter.data.errors import UsageProblem
from exporter.data.parity import Parity
from exporter.data.verdict import Verdict
from profilers.readings import Reading
from profilers.result import ProfileResult

SCHEMA_VERSION = 1

# Each entry takes a document of the version that it is filed under to the next version.
MIGRATIONS: dict[int, Any] = {}


class DeviceProfile(Frozen):
    """One model on one device, judged; or the reason why there is nothing to judge.

    Attributes:
        device: the serial, as asked for; ``all`` where no device at all was there.
        result: readings, output check, operators, warnings and rejected runs, with the device and the plan.
        verdicts: by the target's budgets, of the outputs, and of the accelerator.
        error: why it gave no result although it was tried; None otherwise.
        info: what is known of a device that was not tried.
        skipped: why it was not tried, with what to do; None when it was.
    """

    device: str
    result: ProfileResult | None
    verdicts: tuple[Verdict, ...] = ()
    error: str | None = None
    info: DeviceInfo | None = None
    skipped: str | None = None


class TargetRecord(Frozen):
    """Everything found out for one target.

    Attributes:
        settings: the target as resolved, for display and comparison.
        inspection: facts of `exporter.data.inspection`, as data.
        parities: how the outputs compare with the source's, one an evaluator; empty when that could not be checked.
        readings: of this machine, then those of all `profiles` again, for readers that know no profiles.
        caveats: what must be said beside the readings of this machine: how old they are, and what disturbed them.
        profiles: one a device that was asked for, each with its device, warnings, rejected runs and output check.
        warnings: sentences about steps that did harm or nothing.
        error: what went wrong in this target's work; None when nothing did. An artifact may be there all the same, with
            verdicts that say what could not be checked.
        device_errors: why a device that was asked for gave no readings.
        from_cache: stages that were taken from the cache instead of being run.
    """

    name: str
    format: str
    minimum_os: str
    settings: dict[str, Any]
    artifact: Artifact | None = None
    steps: tuple[StepResult, ...] = ()
    inspection: dict[str, Any] | None = None
    parities: tuple[Parity, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    readings: tuple[Reading, ...] = ()
    caveats: tuple[str, ...] = ()
    profiles: tuple[DeviceProfile, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    device_errors: tuple[str, ...] = ()
    from_cache: tuple[str, ...] = ()


class SourceRecord(Frozen):
    """Where the model came from.

    Attributes:
        spec: the MODEL argument.
        digest: SHA-256 of what defines the model.
        inputs: name -> shape (batch first) as the source sees it.
        top1: accuracy of the source in [0, 1] on the evaluation data; None without labels.
    """

    spec: str
    digest: str
    inputs: dict[str, tuple[int, ...]]
    parameters: int
    size_bytes: int
    top1: float | None = None
    top5: float | None = None
    samples: int | None = None


class RunRecord(Frozen):
    """One run: what went in, on which machine, and what was found.

    Attributes:
        warnings: what a person should know of the source and the data, in sentences.
        error: what went wrong outside of any target's work; None when nothing did.
    """

    schema_version: int = SCHEMA_VERSION
    created_at: datetime
    command_line: tuple[str, ...]
    duration_s: float
    machine: dict[str, str]
    tools: dict[str, str]
    source: SourceRecord
    targets: tuple[TargetRecord, ...]
    warnings: tuple[str, ...] = ()
    error: str | None = None
    exit_code: int

    def verdicts(self) -> list[Verdict]:
        """The verdicts of all targets."""
        return [verdict for target in self.targets for verdict in target.verdicts]


def load_record(path: Path) -> RunRecord:
    """Read a `run.json`.

    Raises:
        UsageProblem: unreadable, not a run record, or written by a newer version.
    """
    import json

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}. Give the run.json that `mobile-export run` wrote.") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageProblem(f"{path} is not JSON: {error}") from error
    return parse_record(document, str(path))


def parse_record(document: Any, where: str) -> RunRecord:
    """Bring `document` to the current schema version, one step at a time, and validate it."""
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise UsageProblem(f"{where} has no schema_version: it is not a record of `mobile-export run`.")
    if version > SCHEMA_VERSION:
        raise UsageProblem(
            f"{where} has schema version {version}; this program knows versions up to {SCHEMA_VERSION}. "
            "Upgrade mobile-export to read it."
        )
    while version < SCHEMA_VERSION:
        if version not in MIGRATIONS:
            raise UsageProblem(f"{where} has schema version {version}, which no release ever wrote.")
        document = MIGRATIONS[version](document)
        version += 1
    try:
        return RunRecord.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageProblem(f"{where} is damaged at {place}: {first['msg']}") from error
