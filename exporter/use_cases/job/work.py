"""TargetWork: one target on its way from its settings to its verdicts; each stage hands on one that holds more."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.data.base import Frozen
from exporter.data.facts.artifact import Artifact, FileFacts
from exporter.data.facts.compression import LeftAlone, StepResult
from exporter.data.facts.inspection import Inspection
from exporter.data.facts.parity import Parity
from exporter.data.facts.profile import DeviceProfile, measured, profile_of
from exporter.data.facts.sizes import Measurement
from exporter.data.results.record import TargetRecord
from exporter.data.results.samples import TargetSamples
from exporter.data.settings.target import Target
from exporter.data.verdict import Verdict
from exporter.execution.isolation import Trouble, told
from exporter.formats.format import Format
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.recipes import Compressed
from profilers.readings import Reading
from profilers.result import OutputCheck

if TYPE_CHECKING:
    from exporter.use_cases.devices.choice import Selection


class ConversionFacts(Frozen):
    """What a conversion found out, beside its files.

    Attributes:
        shown: what the artifact's file shows, read where its format's libraries are loaded; None where that failed.
    """

    sha256: str
    twin_sha256: str
    inspection: Inspection
    twin: Inspection
    left_alone: tuple[LeftAlone, ...]
    notes: tuple[str, ...]
    route: str
    conversion_s: float
    shown: FileFacts | None


@dataclass(frozen=True)
class Converted:
    """A conversion in the cache.

    Attributes:
        path: of the artifact.
        twin_path: of the same model without compression.
        key: of everything that decides it.
    """

    path: Path
    twin_path: Path
    facts: ConversionFacts
    key: str
    from_cache: bool


@dataclass(frozen=True)
class Compared:
    """Comparisons with the source, one an evaluator, and why there are none."""

    parities: tuple[Parity, ...] = ()
    from_cache: bool = False
    why_not: str = "it was not compared"


@dataclass(frozen=True)
class ComputedThere:
    """What a device computed of the evaluation data.

    Attributes:
        device: serial.
        parity: against the source; None where nothing was computed.
        check: against this machine's outputs of the artifact.
        why_not: why nothing was, as a sentence.
    """

    device: str
    parity: Parity | None = None
    check: OutputCheck | None = None
    why_not: str = ""


@dataclass(frozen=True)
class HostReadings:
    """Readings of this machine.

    Attributes:
        own: of the artifact.
        twin: of the same model without compression; empty where that is the same file, or nothing was measured.
        from_cache: whether those of the artifact are an earlier run's.
        at: when they were looked at; None where all of them are of this run.
    """

    own: tuple[Reading, ...] = ()
    twin: tuple[Reading, ...] = ()
    from_cache: bool = False
    at: datetime | None = None


@dataclass(frozen=True)
class TargetWork:
    """What is known of one target's work; a stage gives another one that holds more.

    Attributes:
        format: the target's, looked up once.
        devices: what it is measured on; None where no device was asked for.
        compressed: the source after the target's recipe; None for no recipe.
        troubles: what struck it, in order.
        beforehand: its conversion, where another process made it, or what struck that.
        converted: None until there is an artifact.
        artifact: as it was published.
        there: what devices computed of the evaluation data.
        weight: bytes as written and as a store's download.
        shown: what the file itself shows; None where it could not be looked into.
        warnings: about steps that did harm or nothing.
    """

    target: Target
    format: Format
    devices: "Selection | None" = None
    compressed: Compressed | None = None
    troubles: tuple[Trouble, ...] = ()
    beforehand: Converted | Trouble | None = None
    converted: Converted | None = None
    artifact: Artifact | None = None
    compared: Compared = Compared()
    host: HostReadings = HostReadings()
    profiles: tuple[DeviceProfile, ...] = ()
    there: tuple[ComputedThere, ...] = ()
    weight: Measurement | None = None
    shown: FileFacts | None = None
    verdicts: tuple[Verdict, ...] = ()
    warnings: tuple[str, ...] = ()

    def struck(self, trouble: Trouble, **found: Any) -> "TargetWork":
        """The work with one more trouble, and with what was `found` all the same."""
        return replace(self, troubles=(*self.troubles, trouble), **found)

    @property
    def lost(self) -> bool:
        """Whether there is no artifact and there will be none."""
        return self.converted is None and bool(self.troubles)

    @property
    def made(self) -> Converted:
        """The conversion, for the stages that come after it."""
        assert self.converted is not None, "stages run in order"
        return self.converted

    @property
    def file(self) -> Path:
        """Of the artifact, relative to the run's folder."""
        return Path(self.target.name) / self.format.file_name

    @property
    def steps(self) -> tuple[StepResult, ...]:
        """What each step of the recipe did."""
        return () if self.compressed is None else self.compressed.steps

    def record(self, at: datetime, output: Path) -> TargetRecord:
        """All of it for `run.json`.

        Args:
            at: when the run began.
            output: the run's folder.
        """
        target = self.target
        known = TargetRecord(
            name=target.name,
            format=target.format,
            minimum_os=target.minimum_os,
            settings=target.model_dump(mode="json"),
            error=told(self.troubles),
        )
        if self.converted is None:
            return known.model_copy(update={"warnings": self._left_over(output)})
        return known.model_copy(update=self._found(self.converted, at))

    def samples(self) -> TargetSamples:
        """The raw samples, which go beside the record."""
        profiles = {item.device: item.result.readings for item in self.profiles if item.result}
        return TargetSamples(host=self.host.own, profiles=profiles)

    def pictures(self) -> dict[str, str]:
        """Of its worst examples, which go beside the record."""
        return {name: picture for parity in self.compared.parities for name, picture in parity.pictures.items()}

    def _found(self, converted: Converted, at: datetime) -> dict[str, Any]:
        cached = {
            "conversion": converted.from_cache,
            "verification": self.compared.from_cache,
            "readings": self.host.from_cache,
        }
        return {
            "artifact": self.artifact,
            "steps": self.steps,
            "inspection": converted.facts.inspection,
            "parities": tuple(parity.without_pictures() for parity in self._parities()),
            "verdicts": self.verdicts,
            "host": measured(self.host.own, at) if self.host.own else None,
            "profiles": tuple(profile_of(item, at) for item in self.profiles),
            "warnings": self.warnings,
            "from_cache": tuple(name for name, hit in cached.items() if hit),
        }

    def _parities(self) -> tuple[Parity, ...]:
        """Of this machine's evaluators, then of devices."""
        return (*self.compared.parities, *(one.parity for one in self.there if one.parity is not None))

    def _left_over(self, output: Path) -> tuple[str, ...]:
        """An earlier run's artifact, which this run does not stand for, is named."""
        path = output / self.file
        return (f"{path} is of an earlier run: this one made no artifact",) if path.exists() else ()


Stage = Callable[[ModelAtHand, TargetWork], TargetWork]
"""A part of the work on a target: what it finds out is in the work that it gives."""
