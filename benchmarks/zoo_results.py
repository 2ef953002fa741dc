"""What came of each model in each way: a JSON file that outlives an interrupted run."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One model, converted in one way.

    Attributes:
        tool: whose converter.
        way: which of its ways; "" where it has one.
        converted: whether there is a file.
        snr_db: of its worst output; None where nothing was compared.
        seconds: of the process, imports and comparison included.
        reason: why there is no file, or what was said of it.
        date: of the run, ISO.
    """

    model: str
    tool: str
    way: str
    converted: bool
    snr_db: float | None
    route: str
    reason: str
    seconds: float
    peak_bytes: int
    date: str
    versions: dict[str, str] = field(default_factory=dict)


class Results:
    """The results in a file, written anew with each that is added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        entries = json.loads(path.read_text()) if path.exists() else []
        self._by_key = {(item["model"], item["tool"], item["way"]): Result(**item) for item in entries}

    def add(self, result: Result) -> None:
        """Keep `result` in place of an older one."""
        self._by_key[result.model, result.tool, result.way] = result
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps([asdict(item) for item in self], indent=1))
        os.replace(partial, self.path)

    def get(self, model: str, tool: str, way: str) -> Result | None:
        """What is known; None for nothing."""
        return self._by_key.get((model, tool, way))

    def of(self, model: str, tool: str) -> list[Result]:
        """All ways of one tool."""
        return [item for item in self if (item.model, item.tool) == (model, tool)]

    def __iter__(self) -> Iterator[Result]:
        return iter(self._by_key.values())
