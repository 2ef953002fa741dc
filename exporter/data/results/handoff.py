"""What `mobile-export handoff` made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from exporter.data.facts.handoff import SCHEMA_VERSION
from exporter.data.results.commands import Unjudged

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.data.facts.handoff import Handoff


@dataclass(frozen=True)
class HandoffResult(Unjudged):
    """Hand-offs, one an artifact.

    Attributes:
        subject: the run or the artifact, as given.
        made: folder and contents of each.
    """

    subject: str
    made: tuple[tuple[Path, Handoff], ...]

    kind: ClassVar[str] = "handoff"
    schema_version: ClassVar[int] = SCHEMA_VERSION

    @property
    def title(self) -> str:
        """The run or the artifact."""
        return self.subject

    def document(self) -> dict[str, Any]:
        """Each as its `handoff.json` has it."""
        return {"handoffs": [{"folder": str(folder), **one.model_dump(mode="json")} for folder, one in self.made]}
