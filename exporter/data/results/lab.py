"""What the commands found of a lab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from exporter.data.results.commands import Unjudged

if TYPE_CHECKING:
    from datetime import datetime

    from exporter.data.lab import LabDevice
    from exporter.data.verdict import Verdict


@dataclass(frozen=True)
class LabStatusResult(Unjudged):
    """The devices of a lab at the time `at`.

    Attributes:
        scheduler: its address.
        hosts: that are there.
        devices: by host and name.
        problems: what keeps devices from being seen or used, in sentences.
    """

    scheduler: str
    hosts: tuple[str, ...]
    devices: tuple[LabDevice, ...]
    problems: tuple[str, ...]
    at: datetime

    kind: ClassVar[str] = "lab-status"

    @property
    def title(self) -> str:
        """Where it is."""
        return self.scheduler

    def document(self) -> dict[str, Any]:
        """One object a device."""
        return {
            "scheduler": self.scheduler,
            "at": self.at.isoformat(),
            "hosts": self.hosts,
            "devices": self.devices,
            "problems": self.problems,
        }


@dataclass(frozen=True)
class DriftResult:
    """Whether the phones of a lab are what they were.

    Attributes:
        model: name of the reference model.
        verdicts: one a phone.
        exit_code: 3 where one could not be measured, 1 where one has drifted.
        at: when it was judged.
    """

    model: str
    verdicts: tuple[Verdict, ...]
    exit_code: int
    at: datetime

    kind: ClassVar[str] = "lab-drift"
    schema_version: ClassVar[int] = 1

    @property
    def title(self) -> str:
        """The model's name."""
        return self.model

    def document(self) -> dict[str, Any]:
        """One verdict a phone."""
        return {"model": self.model, "at": self.at.isoformat(), "verdicts": self.verdicts}
