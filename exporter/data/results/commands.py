"""What each command found: the one object that its output and its exit code are made from.

Every result has a `kind`, by which renderers are chosen; a `title` for people; the `verdicts`, none where nothing is
judged; the `exit_code`; and its `document`, which `-f json` shows under `schema_version`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import isinf
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from exporter.data.facts.checks import TargetCheck
    from exporter.data.facts.compression import StepResult
    from exporter.data.facts.diff import SizeDiff
    from exporter.data.facts.hints import CompressionHints
    from exporter.data.facts.inspection import Inspection
    from exporter.data.facts.layers import LayerComparison, LayerFindings
    from exporter.data.facts.parity import Parity
    from exporter.data.facts.profile import DeviceProfile, Profile
    from exporter.data.facts.profile_changes import ProfileChange
    from exporter.data.facts.sweep import Sweep
    from exporter.data.results.record import RunRecord
    from exporter.data.settings.recipe import Recipe
    from exporter.data.verdict import Verdict


class Unjudged:
    """What results have that only show something."""

    verdicts: ClassVar[tuple[Verdict, ...]] = ()
    schema_version: ClassVar[int] = 1

    @property
    def exit_code(self) -> int:
        """Nothing failed."""
        return 0


@dataclass(frozen=True)
class RunResult:
    """A run, and where its files lie.

    Attributes:
        record: what `run.json` holds.
        folder: of `run.json` and the artifacts.
        verified: whether artifacts were compared with their source, so that there is a report to point at.
        growth: how its artifacts changed since a baseline; empty without one.
        errors_shown: whether what went wrong is part of the text; not where standard error says it.
        pictures: of the worst examples, in base64 by name; those that lie in the folder.
    """

    record: RunRecord
    folder: Path
    verified: bool = True
    growth: tuple[SizeDiff, ...] = ()
    errors_shown: bool = True
    pictures: Mapping[str, str] = field(default_factory=dict)

    kind: ClassVar[str] = "run"

    @property
    def title(self) -> str:
        """The MODEL argument."""
        return self.record.source.spec

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of all targets."""
        return tuple(self.record.verdicts())

    @property
    def exit_code(self) -> int:
        """The run's."""
        return self.record.exit_code

    @property
    def schema_version(self) -> int:
        """The record's own."""
        return self.record.schema_version

    def document(self) -> dict[str, Any]:
        """The record as `run.json` has it."""
        return self.record.model_dump(mode="json")


@dataclass(frozen=True)
class ProfileResults:
    """A model on devices, judged.

    Attributes:
        profiles: one a device, with every sample.
        at: when the results were put together; older readings say how old they are.
        exit_code: 3 where a device failed or none gave readings.
        changes: since an earlier profile, one a device; None where it was compared with none.
        sweeps: of settings that took turns, one a device; None without a sweep.
    """

    artifact: Path
    profiles: tuple[DeviceProfile, ...]
    at: datetime
    exit_code: int
    changes: tuple[ProfileChange, ...] | None = None
    sweeps: tuple[Sweep, ...] | None = None

    kind: ClassVar[str] = "profile"
    schema_version: ClassVar[int] = 1

    @property
    def title(self) -> str:
        """The file's name."""
        return self.artifact.name

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of all devices."""
        return tuple(verdict for item in self.profiles for verdict in item.verdicts)

    def summaries(self) -> tuple[Profile, ...]:
        """The profiles in figures, as reports show them."""
        from exporter.data.facts.profile import profile_of

        return tuple(profile_of(item, self.at) for item in self.profiles)

    def document(self) -> dict[str, Any]:
        """One profile a device."""
        changes = {} if self.changes is None else {"changes": self.changes}
        sweeps = {} if self.sweeps is None else {"sweeps": self.sweeps}
        return {"profiles": self.profiles, "exit_code": self.exit_code, **changes, **sweeps}


@dataclass(frozen=True)
class VerifyResult:
    """An artifact compared with its source.

    Attributes:
        parities: one an evaluator.
        layers: where it leaves the source; None where that was not asked for.
    """

    artifact: Path
    parities: tuple[Parity, ...]
    verdicts: tuple[Verdict, ...]
    exit_code: int
    layers: LayerFindings | None = None

    kind: ClassVar[str] = "verify"
    schema_version: ClassVar[int] = 2

    @property
    def title(self) -> str:
        """The artifact's name."""
        return self.artifact.name

    @property
    def pictures(self) -> Mapping[str, str]:
        """Of the worst examples, in base64 by name."""
        return {name: picture for parity in self.parities for name, picture in parity.pictures.items()}

    def document(self) -> dict[str, Any]:
        """A layer without any difference has ``snr_db`` null."""
        parities = tuple(parity.without_pictures() for parity in self.parities)
        found = {"parities": parities, "verdicts": self.verdicts, "exit_code": self.exit_code}
        return found if self.layers is None else {**found, "layers": _findings(self.layers)}


def _findings(found: LayerFindings) -> dict[str, Any]:
    return {
        "least_snr_db": found.least_snr_db,
        "first": None if found.first is None else _layer(found.first),
        "rule": found.rule or None,
        "worst": [_layer(layer) for layer in found.worst(10)],
        "compared": [_layer(layer) for layer in found.layers.compared],
        "not_matched": [asdict(one) for one in found.layers.not_matched],
    }


def _layer(layer: LayerComparison) -> dict[str, Any]:
    return {**asdict(layer), "snr_db": None if isinf(layer.snr_db) and layer.snr_db > 0 else layer.snr_db}


@dataclass(frozen=True)
class CheckResult:
    """What targets make of a model's operators, before any conversion.

    Attributes:
        model: the MODEL argument.
        checks: one a target.
        license: of the model, as the user or its library says; empty when neither does.
        notes: what a person should know of the model, in sentences.
    """

    model: str
    checks: tuple[TargetCheck, ...]
    verdicts: tuple[Verdict, ...]
    exit_code: int
    license: str = ""
    notes: tuple[str, ...] = ()

    kind: ClassVar[str] = "check"
    schema_version: ClassVar[int] = 1

    @property
    def title(self) -> str:
        """The MODEL argument."""
        return self.model

    def document(self) -> dict[str, Any]:
        """Every operator with all of its places."""
        return {
            "model": self.model,
            "license": self.license,
            "notes": self.notes,
            "targets": self.checks,
            "verdicts": self.verdicts,
            "exit_code": self.exit_code,
        }


@dataclass(frozen=True)
class InspectResult(Unjudged):
    """What is inside an artifact."""

    inspection: Inspection

    kind: ClassVar[str] = "inspect"

    @property
    def title(self) -> str:
        """Its path."""
        return self.inspection.path

    def document(self) -> dict[str, Any]:
        """Every fact."""
        return {"inspection": self.inspection}


@dataclass(frozen=True)
class CompressResult(Unjudged):
    """What a recipe did; the numbers of each step are in `steps`."""

    recipe: Recipe
    steps: tuple[StepResult, ...]
    hints: CompressionHints

    kind: ClassVar[str] = "compress"

    @property
    def title(self) -> str:
        """The recipe's name."""
        return self.recipe.name

    def document(self) -> dict[str, Any]:
        """The recipe, its steps, and what they leave for the formats."""
        return {"recipe": self.recipe, "steps": self.steps, "hints": self.hints}
