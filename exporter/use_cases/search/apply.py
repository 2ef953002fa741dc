"""Writes a point of a study into a targets file, so that `run` makes the same artifact."""

from pathlib import Path
from typing import Any

from exporter.config.files import FILE_NAME, read_toml
from exporter.data.errors import UsageProblem
from exporter.data.results.search import SearchResult
from exporter.execution.heavy import load
from exporter.search.answer import figures
from exporter.search.front import NAMES, choices
from exporter.store.output import write_text


def apply(result: SearchResult, name: str, targets_file: Path | None) -> list[str]:
    """Add ``[targets.TARGET-NAME]`` and its recipe for every target that has such a point; gives their names.

    Comments and order of the file stay; tables of these names are replaced.

    Args:
        name: ``quality``, ``balanced`` or ``compact``.
        targets_file: to write; None takes ``targets.toml`` of the current folder.

    Raises:
        UsageProblem: no such point, or the file cannot be read.
    """
    if name not in NAMES:
        raise UsageProblem(f"--apply {name}: the points are called {', '.join(NAMES)}.")
    path = targets_file or Path(FILE_NAME)
    tomlkit = load("tomlkit")
    if path.exists():
        read_toml(path)  # says what is wrong with it
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    written = []
    for target in result.targets:
        found = [one for one in choices(result.of(target), result.minimize or "size") if one.name == name]
        if found:
            _add(tomlkit, document, tomlkit.parse(found[0].point.plan.settings), f"{target}-{name}", target)
            written.append(f"{target}-{name}: {figures(found[0].point)}")
    if not written:
        raise UsageProblem("--apply: nothing is inside every limit, so there is nothing to write.")
    write_text(path, tomlkit.dumps(document))
    return written


def _add(tomlkit: Any, document: Any, settings: Any, name: str, target: str) -> None:
    for section in ("targets", "recipes"):
        if section in settings:
            table = settings[section][target].unwrap()
            if section == "targets" and "recipe" in table:
                table["recipe"] = name
            document.setdefault(section, tomlkit.table(is_super_table=True))[name] = table
