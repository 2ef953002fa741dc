"""RunRecord: everything one run found out, as frozen data; `run.json` is its JSON form."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from device_harness.protocol import DeviceInfo
from exporter.data.errors import UsageProblem
from exporter.data.verdict import Verdict
from profilers.readings import Reading
from profilers.session import ProfileResult

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


class ChannelFact(Frozen):
    """The part of an output that stands worst against its own scale.

    Attributes:
        kind: a ``quantity`` (channels of one scale among others), a ``channel``, a single ``value``, or slices that
            are ``constant`` in the artifact and vary in the source.
        axis: of the output, from 0.
        indices: along the axis.
        channels: length of the axis.
        db: to be compared with a least signal-to-noise ratio; minus infinity where the part is lost.
        source_peak: largest magnitude of the quantity that the part belongs to.
        largest_peak: the same of the whole output.
        error: largest absolute difference in the part.
        spread: largest less least value of the part in the source.
    """

    kind: Literal["quantity", "channel", "value", "constant"]
    axis: int
    indices: tuple[int, ...]
    channels: int
    db: float
    source_peak: float
    largest_peak: float
    error: float
    spread: float


class OutputParity(Frozen):
    """One output against the source's.

    Attributes:
        name: as the source's output is called.
        shape: of one run of the model.
        values: compared, over all examples.
        snr_db: None when there is no difference, minus infinity where the artifact has NaN or infinity.
        not_finite: values of the artifact that are NaN or infinite where the source's are not.
        not_finite_example: the first example with one, from 0.
        source_not_finite: values of the source that are NaN or infinite.
        source_not_finite_example: the first example with one, from 0.
        worst: the part of it that stands worst.
        step: between the artifact's values where they are of 8-bit integers; None otherwise.
        variation_db: changes between examples in the source against how differently the artifact changes; None for few
            examples and for outputs that do not change.
    """

    name: str
    shape: tuple[int, ...]
    values: int
    snr_db: float | None
    max_abs_error: float
    not_finite: int = 0
    not_finite_example: int | None = None
    source_not_finite: int = 0
    source_not_finite_example: int | None = None
    worst: ChannelFact | None = None
    step: float | None = None
    variation_db: float | None = None


class Parity(Frozen):
    """How an artifact's outputs compare with its source's on the same examples.

    Attributes:
        data: what the examples were: the dataset's name, or ``noise`` and what was drawn.
        samples: examples compared; without labels, examples that differ from one another.
        evaluator: what ran the artifact, for example ``LiteRT 2.1.0``.
        snr_db: signal-to-noise ratio over all examples, of the worst output; None when there is no difference, minus
            infinity where an output has NaN or infinity that the source has not.
        cosine: mean over examples, of the worst output.
        max_abs_error: largest difference of any output element.
        outputs: every output on its own; empty in records of older versions.
        drawn: whether the examples were made up and not given.
        top1_agreement: share of examples on which both name the same class; None when the output is not one of classes.
        top1: accuracy of the artifact in [0, 1]; None without labels.
        source_top1: accuracy of the source on the same examples.
        top1_lost: examples whose class the source has right and the artifact has not; None without labels.
        top1_gained: the other way round.
        classes: number of class scores; None when the output is not one of classes.
    """

    data: str
    samples: int
    evaluator: str
    snr_db: float | None
    cosine: float
    max_abs_error: float
    outputs: tuple[OutputParity, ...] = ()
    drawn: bool = False
    top1_agreement: float | None = None
    top1: float | None = None
    top5: float | None = None
    source_top1: float | None = None
    source_top5: float | None = None
    top1_lost: int | None = None
    top1_gained: int | None = None
    top5_lost: int | None = None
    top5_gained: int | None = None
    classes: int | None = None


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
