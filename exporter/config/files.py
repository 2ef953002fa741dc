"""Finds and reads targets files. Standard library only, so that listing targets starts fast."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from exporter.data.errors import UsageProblem
from exporter.data.results.listings import TargetSummary
from exporter.data.spelling import did_you_mean
from exporter.store.given import given_text

FILE_NAME = "targets.toml"
_ADVICE = "TOML and JSON files must be"
ROOTS = ("targets", "recipes", "model")
"""The tables of a targets file."""


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
        return tomllib.loads(given_text(path, advice=_ADVICE))
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"{path}: TOML syntax: {error}.") from error


def read_document(path: Path) -> Any:
    """What a TOML file holds, or a file whose name ends in ``.json``.

    Raises:
        UsageProblem: unreadable, not UTF-8, or not of its syntax.
    """
    if path.suffix != ".json":
        return read_toml(path)
    try:
        return json.loads(given_text(path, advice=_ADVICE))
    except json.JSONDecodeError as error:
        raise UsageProblem(f"{path}: JSON syntax: {error}.") from error


def target_tables(user_file: Path | None) -> dict[str, dict[str, Any]]:
    """Target tables by name: the presets, and the user's over them; `extends` is resolved by `exporter.config.targets`.

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
        found = _roots(path).get(section, {})
        if not isinstance(found, dict) or not all(isinstance(table, dict) for table in found.values()):
            raise UsageProblem(f"{path}: {section} must be tables: write [{section}.NAME].")
        merged.update(found)
    return merged


def _roots(path: Path) -> dict[str, Any]:
    """The tables of a targets file; one that nobody reads is a mistyped one."""
    found = read_toml(path)
    unknown = [f"{name}: unknown table; {_nearest_root(name)}" for name in found if name not in ROOTS]
    if unknown:
        raise UsageProblem(f"{path} has errors:\n" + "\n".join(f"  {line}" for line in unknown))
    return found


def _nearest_root(name: str) -> str:
    return did_you_mean(name, ROOTS, otherwise=f"there are {', '.join(f'[{root}]' for root in ROOTS)}.")


def no_such_target(name: str, known: Iterable[str]) -> str:
    """That there is no target called `name`, with the nearest of `known`."""
    hint = did_you_mean(name, known, otherwise="`mobile-export targets list` shows those there are.", cutoff=0.5)
    return f"there is no target {name!r}; {hint}"


class Lineage(NamedTuple):
    """A target's tables: its own name first, then those that it extends; and why the rest cannot be had."""

    names: tuple[str, ...]
    problem: str | None


def lineage(tables: dict[str, dict[str, Any]], name: str) -> Lineage:
    """Follow the ``extends`` keys from the table `name` as far as they lead."""
    names = [name]
    while (parent := tables[names[-1]].get("extends")) is not None:
        where = f"targets.{names[-1]}.extends"
        if not isinstance(parent, str):
            return Lineage(tuple(names), f"{where}: write the name of a target, in quotes")
        if parent in names:
            return Lineage(tuple(names), f"{where}: {' -> '.join((*names, parent))} goes round in a circle.")
        if parent not in tables:
            return Lineage(tuple(names), f"{where}: {no_such_target(parent, tables)}")
        names.append(parent)
    return Lineage(tuple(names), None)


def extended(tables: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """The table `name` merged over the one that its `extends` key names; nested tables merge, lists replace.

    Raises:
        UsageProblem: `extends` names no target, or leads round in a circle.
    """
    line = lineage(tables, name)
    if line.problem:
        raise UsageProblem(line.problem)
    return merged(tables, line.names)


def merged(tables: dict[str, dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """The tables `names`, each over those that follow it."""
    result: dict[str, Any] = {}
    for name in reversed(names):
        result = _merged(result, tables[name])
    result.pop("extends", None)
    return result


def inherited(tables: dict[str, dict[str, Any]], names: Sequence[str]) -> dict[tuple[str, ...], str]:
    """Dotted path of each setting that the first of `names` does not set itself -> the nearest table that sets it."""
    found: dict[tuple[str, ...], str] = {}
    for name in reversed(names):
        for path in _paths(tables[name]):
            # A value that is no table takes the place of a whole one.
            found = {old: where for old, where in found.items() if old[: len(path)] != path}
            found[path] = name
    return {path: where for path, where in found.items() if where != names[0]}


def _paths(table: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))
        else:
            yield (*above, key)


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
