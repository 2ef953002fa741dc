"""Finds and reads targets files. Standard library only, so that listing targets starts fast."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from exporter.errors import UsageProblem

FILE_NAME = "targets.toml"


class TargetSummary(NamedTuple):
    """One line of `targets list`."""

    name: str
    format: str
    minimum_os: str
    description: str


def presets_file() -> Path:
    """The targets that ship with the program: beside the package when installed, at the root in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / FILE_NAME
    return installed if installed.exists() else package.parent / FILE_NAME


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file; a syntax error names line and column.

    Raises:
        UsageProblem: unreadable, not UTF-8, or not TOML.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{path}: byte {error.start} is not UTF-8; TOML files must be.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"{path}: TOML syntax: {error}.") from error


def target_tables(user_file: Path | None) -> dict[str, dict[str, Any]]:
    """Target tables by name: the presets, and the user's over them; `extends` is resolved by `exporter.targets.load`.

    Args:
        user_file: the file given with ``--targets``; None takes ``targets.toml`` of the current folder when it exists.
    """
    return tables("targets", user_file)


def tables(section: str, user_file: Path | None) -> dict[str, dict[str, Any]]:
    """The tables ``[SECTION.NAME]`` of the presets and the user's file by name; the user's replace the presets'."""
    presets = presets_file()
    if user_file is None and Path(FILE_NAME).is_file():
        user_file = Path(FILE_NAME)
    files = [presets]
    if user_file is not None and user_file.resolve() != presets.resolve():
        files.append(user_file)
    merged: dict[str, dict[str, Any]] = {}
    for path in files:
        found = read_toml(path).get(section, {})
        if not isinstance(found, dict) or not all(isinstance(table, dict) for table in found.values()):
            raise UsageProblem(f"{path}: {section} must be tables: write [{section}.NAME].")
        merged.update(found)
    return merged


def extended(tables: dict[str, dict[str, Any]], name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """The table `name` merged over the one that its `extends` key names; nested tables merge, lists replace."""
    table = dict(tables[name])
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if parent in (*seen, name):
        raise UsageProblem(f"targets.{name}.extends: {' -> '.join((*seen, name, parent))} goes round in a circle.")
    if parent not in tables:
        raise UsageProblem(f"targets.{name}.extends: there is no target {parent!r}.")
    return _merged(extended(tables, parent, (*seen, name)), table)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        inner = result.get(key)
        result[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result


def summaries(user_file: Path | None) -> list[TargetSummary]:
    """Every target, unchecked (`targets check` checks), in the order of the files."""
    tables = target_tables(user_file)
    rows = []
    for name in tables:
        table = extended(tables, name)
        rows.append(TargetSummary(name, *(str(table.get(key, "?")) for key in ("format", "minimum_os", "description"))))
    return rows
