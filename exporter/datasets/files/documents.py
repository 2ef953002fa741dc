"""JSON, YAML and tables, with a sentence about what keeps them from being read."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.execution.heavy import load
from exporter.store.given import given_text


@dataclass(frozen=True)
class Line:
    """A record of a table.

    Attributes:
        number: of its line in the file, from 1.
        cells: column -> cell: strings in a CSV, anything in JSON lines.
    """

    number: int
    cells: Mapping[str, Any]


def read_json(path: Path) -> Any:
    """A JSON document.

    Raises:
        UsageProblem: it cannot be read, or its line is wrong.
    """
    return _parsed(path, _text(path, "JSON"), 0)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """A YAML document that is a mapping; no tag of it runs code.

    Raises:
        UsageProblem: it cannot be read, its line is wrong, or it is something else.
    """
    yaml = load("yaml")
    try:
        found = yaml.safe_load(_text(path, "YAML"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        raise UsageProblem(f"data {path}{line}: {getattr(error, 'problem', None) or error}.") from error
    if not isinstance(found, dict):
        raise UsageProblem(f"data {path} has no keys; it must say names: and where images lie.")
    return found


def read_table(path: Path) -> list[Line]:
    """The records of a CSV with a first line of column names, or of JSON lines; empty lines are left out.

    Raises:
        UsageProblem: it cannot be read, has no records, or a line has cells of no column or too few.
    """
    lines = _comma_separated(path) if path.suffix.lower() == ".csv" else _json_lines(path)
    if not lines:
        raise UsageProblem(f"data {path} has no records.")
    return lines


def _comma_separated(path: Path) -> list[Line]:
    lines = []
    reader = csv.DictReader(_text(path, "CSV").splitlines(keepends=True))
    try:
        for row in reader:
            if None in row or None in row.values():
                raise UsageProblem(f"data {path}, line {reader.line_num}: too many or too few cells.")
            lines.append(Line(reader.line_num, row))
    except csv.Error as error:
        raise UsageProblem(f"data {path}, line {reader.line_num}: {error}.") from error
    return lines


def _json_lines(path: Path) -> list[Line]:
    texts = enumerate(_text(path, "JSON lines").split("\n"), start=1)
    lines = [Line(number, _parsed(path, text, number)) for number, text in texts if text.strip()]
    odd = next((line for line in lines if not isinstance(line.cells, dict)), None)
    if odd is not None:
        raise UsageProblem(f'data {path}, line {odd.number}: a line is an object, such as {{"text": "..."}}.')
    return lines


def _parsed(path: Path, text: str, number: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageProblem(f"data {path}, line {number or error.lineno}: {error.msg}.") from error
    except RecursionError as error:
        raise UsageProblem(f"data {path} is nested too deeply.") from error


def _text(path: Path, form: str) -> str:
    return given_text(path, advice=f"save the {form} as UTF-8", called=f"data {path}")
