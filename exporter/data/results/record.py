"""RunRecord: everything one run found out, as frozen data; `run.json` is its JSON form."""

from datetime import datetime

from exporter.data.base import Frozen, JsonMapping
from exporter.data.facts.artifact import Artifact
from exporter.data.facts.compression import StepResult
from exporter.data.facts.inspection import Inspection
from exporter.data.facts.parity import Parity
from exporter.data.facts.profile import Measured, Profile
from exporter.data.facts.revision import Revision
from exporter.data.verdict import Verdict

SCHEMA_VERSION = 2
SIZES = ("size", "download")


class TargetRecord(Frozen):
    """Everything found out for one target.

    Attributes:
        settings: the target as resolved, for display and comparison; only its format reads more of it than its budgets.
        inspection: what is inside the artifact.
        parities: how the outputs compare with the source's, one an evaluator; empty when that could not be checked.
        host: what this machine measured while it made the artifact; None where it measured nothing.
        profiles: one a device that was asked for, each with its device, warnings, rejected runs and output check.
        warnings: sentences about steps that did harm or nothing.
        error: what went wrong in this target's work; None when nothing did. An artifact may be there all the same, with
            verdicts that say what could not be checked.
        from_cache: stages that were taken from the cache instead of being run.
    """

    name: str
    format: str
    minimum_os: str
    settings: JsonMapping
    artifact: Artifact | None = None
    steps: tuple[StepResult, ...] = ()
    inspection: Inspection | None = None
    parities: tuple[Parity, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    host: Measured | None = None
    profiles: tuple[Profile, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    from_cache: tuple[str, ...] = ()

    @property
    def device_errors(self) -> tuple[str, ...]:
        """Why a device that was asked for gave no readings."""
        return tuple(f"{item.device}: {item.error}" for item in self.profiles if item.error)

    def size_limits(self) -> dict[str, int]:
        """The target's budgets of size and download, in bytes."""
        budgets = self.settings.get("budgets")
        known = budgets if isinstance(budgets, dict) else {}
        return {metric: limit for metric in SIZES if isinstance(limit := known.get(metric), int)}


class SourceRecord(Frozen):
    """Where the model came from.

    Attributes:
        spec: the MODEL argument.
        digest: SHA-256 of what defines the model.
        inputs: name -> shape (batch first) as the source sees it; of a flexible input the largest.
        flexible: name -> the shapes that it can have, in words, such as ``1x3x(128..512)x(128..512)``.
        license: of the model, as the user or its library says; empty when neither does.
        top1: accuracy of the source in [0, 1] on the evaluation data; None without labels.
    """

    spec: str
    digest: str
    inputs: dict[str, tuple[int, ...]]
    flexible: dict[str, str] = {}
    license: str = ""
    parameters: int
    size_bytes: int
    top1: float | None = None
    top5: float | None = None
    samples: int | None = None


class StageTime(Frozen):
    """One stage of a run's work.

    Attributes:
        name: what kind of work it was.
        about: what it was done for.
        duration_s: that it took, in this run.
        from_cache: whether its result was there already.
    """

    name: str
    about: str
    duration_s: float
    from_cache: bool


class SamplesReference(Frozen):
    """The file with the raw samples, beside the record.

    Attributes:
        path: relative to the record's folder.
        sha256: of its content; another one is another run's.
    """

    path: str
    sha256: str


class RunRecord(Frozen):
    """One run: what went in, on which machine, and what was found.

    Attributes:
        machine: what the host's readings depend on.
        samples: where every sample of every reading is; None where nothing was measured.
        revision: what it was made from; None where nobody says, and in older records.
        stages: all work, in the order that it ended in.
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
    samples: SamplesReference | None = None
    revision: Revision | None = None
    targets: tuple[TargetRecord, ...]
    stages: tuple[StageTime, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    exit_code: int

    def pictures(self) -> list[str]:
        """Names of the pictures of all targets' worst examples, which lie beside the record."""
        tasks = [parity.task for target in self.targets for parity in target.parities if parity.task is not None]
        return [name for task in tasks for one in task.shown for name in one.pictures]

    def verdicts(self) -> list[Verdict]:
        """The verdicts of all targets."""
        return [verdict for target in self.targets for verdict in target.verdicts]
