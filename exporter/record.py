"""RunRecord: everything one run found out, as frozen data; `run.json` is its JSON form."""

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from exporter.errors import UsageProblem
from exporter.verdicts import Verdict
from profilers.readings import Reading

SCHEMA_VERSION = 1

# Each entry takes a document of the version that it is filed under to the next version.
MIGRATIONS: dict[int, Any] = {}


class Frozen(BaseModel):
    """Immutable, closed data."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class LayerStats(Frozen):
    """One weight before or after a step.

    Attributes:
        name: the parameter's dotted name.
        parameters: elements.
        nonzeros: elements that are not zero.
        distinct: distinct values.
        bits_per_weight: bits that one element takes in the shipped form, tables and scales included.
    """

    name: str
    parameters: int
    nonzeros: int
    distinct: int
    bits_per_weight: float


class ModelStats(Frozen):
    """Size and work of a model; `macs` are multiply-accumulates of one forward pass on one example."""

    parameters: int
    macs: int
    layers: tuple[LayerStats, ...] = ()


class LeftAlone(Frozen):
    """Something that a step or a library did not touch, with the reason and the bytes that it left uncompressed."""

    name: str
    reason: str
    size_bytes: int | None = None


class StepResult(Frozen):
    """What one compression step did.

    Attributes:
        method: the step's method, for example ``magnitude_pruning``.
        options: the step's options as given.
        before: the model that the step received.
        after: the model that it gave.
        left_alone: layers that it skipped, and why.
        notes: figures of its own, for example the epochs of a recovery or the accuracy reached.
        warnings: what a person should look at, for example a training that ended worse than it began.
    """

    method: str
    options: dict[str, Any]
    before: ModelStats
    after: ModelStats
    left_alone: tuple[LeftAlone, ...] = ()
    notes: dict[str, Any] = {}
    warnings: tuple[str, ...] = ()


class Artifact(Frozen):
    """A converted model on disk.

    Attributes:
        path: file (TFLite) or folder (Core ML package), relative to the run's output folder.
        format: ``tflite`` or ``coreml``.
        target: name of the target that it was made for.
        sha256: digest of its content (of a folder: of its files' names and contents).
        size_bytes: sum of the bytes of its files.
        source_digest: digest of the model that it came from.
        settings_digest: digest of the target's conversion settings, the recipe and the calibration data.
        tools: versions of the libraries that made it.
        left_alone: weights or layers that the conversion library skipped.
        twin_size_bytes: bytes of the same model without compression, in the same format; None when not made.
        conversion_s: seconds that the conversion took when it ran.
    """

    path: str
    format: str
    target: str
    sha256: str
    size_bytes: int
    source_digest: str
    settings_digest: str
    tools: dict[str, str]
    left_alone: tuple[LeftAlone, ...] = ()
    twin_size_bytes: int | None = None
    conversion_s: float


class Parity(Frozen):
    """How an artifact's outputs compare with its source's on the same examples.

    Attributes:
        data: what the examples were: the dataset's name, or ``noise``.
        samples: examples compared.
        evaluator: what ran the artifact, for example ``LiteRT 2.1.0``.
        snr_db: signal-to-noise ratio over all examples, of the worst output; None when there is no difference.
        cosine: mean over examples, of the worst output.
        max_abs_error: largest difference of any output element.
        top1_agreement: share of examples on which both name the same class; None when the output is not one of classes.
        top1: accuracy of the artifact in [0, 1]; None without labels.
        source_top1: accuracy of the source on the same examples.
    """

    data: str
    samples: int
    evaluator: str
    snr_db: float | None
    cosine: float
    max_abs_error: float
    top1_agreement: float | None = None
    top1: float | None = None
    top5: float | None = None
    source_top1: float | None = None
    source_top5: float | None = None


class TargetRecord(Frozen):
    """Everything found out for one target.

    Attributes:
        settings: the target as resolved, for display and comparison.
        inspection: facts of `exporter.inspection`, as data.
        parities: how the outputs compare with the source's, one an evaluator; empty when that could not be checked.
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
