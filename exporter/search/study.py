"""A study: a folder that keeps everything that a search finds, line by line, so that nothing is lost and all goes on.

``study.jsonl`` holds one event a line: first what was asked, then sensitivities and points as they come. A line that a
killed process did not finish is not read, and is cut off before the next one is written.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.data.base import Frozen
from exporter.data.errors import UsageProblem
from exporter.data.facts.points import Point
from exporter.data.facts.storage import Sensitivities
from exporter.data.versions import checked_version
from exporter.store.output import naming, write_bytes

SCHEMA_VERSION = 1
EVENTS = "study.jsonl"
POINTS = "points"


class Asked(Frozen):
    """What a study is of: another request is another study.

    Attributes:
        model: the MODEL argument.
        digest: of the model.
        targets: settings of each target as the search was given it, by name.
        options: everything else that decides what points mean: budgets, data and their digests.
        notes: what a person should know of the data.
        command_line: as typed.
    """

    model: str
    digest: str
    targets: dict[str, Any]
    options: dict[str, Any]
    notes: tuple[str, ...] = ()
    command_line: tuple[str, ...] = ()


class Study:
    """One study on disk.

    Args:
        folder: of the study.

    Attributes:
        asked: None for a study that has not begun.
        points: those that are there, by key.
        sensitivities: by key.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: Asked | None = None
        self.points: dict[str, Point] = {}
        self.sensitivities: dict[str, Sensitivities] = {}
        for number, line in enumerate(self._lines(), 1):
            try:
                self._take(json.loads(line))
            except (ValueError, TypeError, AttributeError, KeyError) as error:  # pydantic's is a ValueError
                where = f"{folder / EVENTS}: line {number}"
                raise UsageProblem(f"{where} is damaged; remove it, and the search goes on.") from error

    def begin(self, asked: Asked) -> None:
        """Begin, or go on with, the study of what was `asked`.

        Raises:
            UsageProblem: the folder holds another study.
        """
        if self.asked is None:
            self._write({"event": "study", "schema_version": SCHEMA_VERSION, **asked.model_dump(mode="json")})
            self.asked = asked
        differs = _difference(self.asked, asked)
        if differs:
            raise UsageProblem(
                f"{self.folder} holds a study of something else ({differs} differ): give another folder with -o, or "
                "the same command."
            )

    def add(self, point: Point, files: Mapping[str, bytes]) -> None:
        """Keep a point and its files."""
        for name, content in files.items():
            write_bytes(self.folder / point.folder / name, content)
        self._write({"event": "point", **point.model_dump(mode="json")})
        self.points[point.plan.key] = point

    def add_sensitivities(self, key: str, found: Sensitivities) -> None:
        """Keep what layers bear."""
        self._write({"event": "sensitivities", "key": key, **found.model_dump(mode="json")})
        self.sensitivities[key] = found

    def _take(self, event: dict[str, Any]) -> None:
        match event.pop("event", None):
            case "study":
                checked_version(event, self.folder / EVENTS, SCHEMA_VERSION)
                self.asked = Asked.model_validate({k: v for k, v in event.items() if k != "schema_version"})
            case "point":
                point = Point.model_validate(event)
                self.points[point.plan.key] = point
            case "sensitivities":
                key = event.pop("key")
                self.sensitivities[key] = Sensitivities.model_validate(event)

    def _lines(self) -> list[bytes]:
        """Whole ones."""
        path = self.folder / EVENTS
        return path.read_bytes().split(b"\n")[:-1] if path.is_file() else []

    def _write(self, event: Mapping[str, Any]) -> None:
        path = self.folder / EVENTS
        with naming(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as stream:
                _cut(stream)
                stream.write(json.dumps(event).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())


def _cut(stream: Any) -> None:
    """Cut off what follows the last line end."""
    stream.seek(0)
    content = stream.read()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        stream.truncate(whole)
    stream.seek(0, os.SEEK_END)


def _difference(one: Asked, other: Asked) -> str:
    """Names of what differs, apart from how the command was typed."""
    first, second = (value.model_dump(mode="json", exclude={"command_line", "notes"}) for value in (one, other))
    flat = [{**value.pop("options"), **value} for value in (first, second)]
    return ", ".join(key for key in dict.fromkeys((*flat[0], *flat[1])) if flat[0].get(key) != flat[1].get(key))
