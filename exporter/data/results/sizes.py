"""What the commands about sizes found: `budget` and `compare`; see `exporter.data.results.commands`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from exporter.data.facts.diff import SizeDiff
    from exporter.data.facts.sizes import Measurement
    from exporter.data.verdict import Verdict


class SizeRow(NamedTuple):
    """One subject, or a model inside one, in bytes; None where a figure is unavailable or there is no baseline."""

    subject: str
    download: int | None
    install: int | None
    download_before: int | None = None
    install_before: int | None = None
    estimated: bool = False
    inside: bool = False


@dataclass(frozen=True)
class BudgetResult:
    """Sizes, judged.

    Attributes:
        measurements: in the order asked for.
        total: their sum; None where no rule or budget is about it.
        rows: the same as a table, with what a baseline says.
        verdicts: the worst first.
    """

    measurements: tuple[Measurement, ...]
    total: Measurement | None
    rows: tuple[SizeRow, ...]
    verdicts: tuple[Verdict, ...]
    exit_code: int

    kind: ClassVar[str] = "budget"
    title: ClassVar[str] = "Sizes"
    schema_version: ClassVar[int] = 1

    def document(self) -> dict[str, Any]:
        """Measurements without their files, of which packages have tens of thousands."""
        return {
            "subjects": [one.model_dump(mode="json", exclude={"files"}) for one in self.measurements],
            "total": None if self.total is None else self.total.model_dump(mode="json", exclude={"files"}),
            "verdicts": self.verdicts,
            "exit_code": self.exit_code,
        }


@dataclass(frozen=True)
class CompareResult:
    """Pairs of artifacts compared in bytes, and of runs in what was measured.

    Attributes:
        verdicts: what got worse, as warnings unless the comparison is a gate.
    """

    diffs: tuple[SizeDiff, ...]
    verdicts: tuple[Verdict, ...] = ()
    exit_code: int = 0

    kind: ClassVar[str] = "compare"
    schema_version: ClassVar[int] = 1

    @property
    def title(self) -> str:
        """What was compared."""
        return f"{self.diffs[0].before} -> {self.diffs[0].after}" if len(self.diffs) == 1 else "Changes in size"

    def document(self) -> dict[str, Any]:
        """Every change."""
        return {"comparisons": self.diffs, "verdicts": self.verdicts, "exit_code": self.exit_code}
