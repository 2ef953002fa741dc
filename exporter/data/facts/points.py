"""Points of a search: what was tried, and what became of it."""

from datetime import datetime
from typing import Literal

from exporter.data.base import Frozen
from exporter.data.facts.storage import Storage
from exporter.data.verdict import Status, Verdict

Role = Literal["own", "bisection", "front", "knobs"]


class Plan(Frozen):
    """What is to be tried, and why.

    Attributes:
        key: decides the result: made of the settings, the model, the data and the program.
        target: name of the user's target.
        variant: of it (`exporter.formats.variants`).
        role: what the search wants to know by it.
        why: the same in a sentence.
        settings: TOML: the table of the target, and that of its recipe where it has one.
        storages: of the weights, by layer; empty where the format chooses.
        weights_bytes: what these storages take.
        predicted_error: sum of the layers' own (`exporter.search.sensitivity`); None where nothing is predicted.
        knobs: global settings that were chosen, by name.
    """

    key: str
    target: str
    variant: str
    role: Role
    why: str
    settings: str
    storages: dict[str, Storage] = {}
    weights_bytes: int | None = None
    predicted_error: float | None = None
    knobs: dict[str, str | bool] = {}


class Loss(Frozen):
    """How much worse an artifact is than its source, on the evaluation data.

    Attributes:
        title: of the figure, such as ``top-1``.
        unit: ``points`` of percent, ``dB``, or empty.
        value: the loss; negative where the artifact is better.
        low: end of its 95 % interval; minus infinity where that is not known.
        high: the other end.
        source: the source's own figure; None where the figure compares both.
        artifact: the artifact's.
        examples: compared.
        against: labels, or the source's own results.
    """

    title: str
    unit: str
    value: float
    low: float
    high: float
    source: float | None = None
    artifact: float | None = None
    examples: int
    against: Literal["labels", "source"]


class Point(Frozen):
    """A plan that was carried out.

    Attributes:
        folder: of its run, in the study; empty where there is none.
        size_bytes: of the artifact; None where none was made.
        twin_bytes: of the same model without compression, in the same format; None where that was not made.
        download_bytes: what it adds to a download; None where that is not known.
        latency_s: median of one inference, on the device that was asked for or else on this machine; None where there
            are no readings.
        latency_where: they were taken: a device, or this machine.
        latency_taken_at: when.
        energy_j: of one inference, likewise.
        loss: None where it was not measured.
        verdicts: of the run.
        error: why there is no artifact, or what went wrong; None where nothing did.
        duration_s: of the work.
    """

    plan: Plan
    folder: str = ""
    size_bytes: int | None = None
    twin_bytes: int | None = None
    download_bytes: int | None = None
    latency_s: float | None = None
    latency_where: str = ""
    latency_taken_at: datetime | None = None
    energy_j: float | None = None
    loss: Loss | None = None
    verdicts: tuple[Verdict, ...] = ()
    error: str | None = None
    duration_s: float = 0.0

    @property
    def inside(self) -> bool:
        """Whether there is an artifact that holds every limit that is an error, and none went unchecked."""
        errors = [one for one in self.verdicts if one.severity == "error"]
        return self.size_bytes is not None and self.error is None and all(one.status is Status.PASSED for one in errors)

    @property
    def problems(self) -> tuple[Verdict, ...]:
        """Verdicts that keep it outside."""
        return tuple(one for one in self.verdicts if one.severity == "error" and one.status is not Status.PASSED)
