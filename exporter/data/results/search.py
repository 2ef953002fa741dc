"""What a search found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.data.facts.points import Point
    from exporter.data.verdict import Verdict


@dataclass(frozen=True)
class Answer:
    """What to take for a target.

    Attributes:
        sentence: for people; what would have to give where nothing fits.
        points: keys of the plans of the named points; empty where nothing fits.
    """

    sentence: str
    points: Mapping[str, str]


@dataclass(frozen=True)
class SearchResult:
    """A study, and what is said of it.

    Attributes:
        model: the MODEL argument.
        folder: of the study.
        targets: names, in the order asked for.
        points: everything that was tried, in the order in which it ended.
        answers: by target.
        minimize: what the answer makes small; None balances bytes and loss.
        notes: what a person should know of the data.
        unfinished: whether the time was up before everything was tried.
    """

    model: str
    folder: Path
    targets: tuple[str, ...]
    points: tuple[Point, ...]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    minimize: str | None = None
    notes: tuple[str, ...] = ()
    unfinished: bool = False

    kind: ClassVar[str] = "search"
    schema_version: ClassVar[int] = 1
    verdicts: ClassVar[tuple[Verdict, ...]] = ()

    @property
    def title(self) -> str:
        """The MODEL argument."""
        return self.model

    def of(self, target: str) -> list[Point]:
        """The points of one target."""
        return [point for point in self.points if point.plan.target == target]

    @property
    def exit_code(self) -> int:
        """0 where every target has a point inside every limit, 3 where one has no file at all and tools failed."""
        return max((_code(self.of(target)) for target in self.targets), default=0)

    def document(self) -> dict[str, Any]:
        """The answers and all points."""
        return {
            "model": self.model,
            "folder": str(self.folder),
            "minimize": self.minimize,
            "unfinished": self.unfinished,
            "notes": list(self.notes),
            "answers": {target: asdict(answer) for target, answer in self.answers.items()},
            "targets": {name: [_document(point) for point in self.of(name)] for name in self.targets},
        }


def _document(point: Point) -> dict[str, Any]:
    return {**point.model_dump(mode="json"), "inside": point.inside}


def _code(points: list[Point]) -> int:
    if any(point.inside for point in points):
        return 0
    return 3 if points and all(point.size_bytes is None for point in points) else 1
