"""Forms that an argument of data can have, by which its kind is told; nothing is decoded for it."""

import csv
from collections.abc import Callable
from pathlib import Path

Form = Callable[[str], bool]


def ends(*suffixes: str) -> Form:
    """A file, or something said to be one, with a name that ends so."""
    return lambda given: Path(given).suffix.lower() in suffixes and not Path(given).is_dir()


def holds(*names: str) -> Form:
    """A folder that has all of these in it."""
    return lambda given: bool(given) and all((Path(given) / name).exists() for name in names)


def has_files(suffix: str) -> Form:
    """A folder with such a file, at any depth."""
    return lambda given: (
        Path(given).is_dir() and any(path.suffix.lower() == suffix for path in Path(given).rglob("*") if path.is_file())
    )


def is_folder(given: str) -> bool:
    """A folder of whatever."""
    return Path(given).is_dir()


def is_attribute(given: str) -> bool:
    """``module:name``."""
    return ":" in given and not Path(given).exists()


def has_column(name: str, without: str = "") -> Form:
    """A .csv whose first line has one column and not another."""
    return lambda given: (columns := _columns(given)) != [] and name in columns and without not in columns


def first_path_ends(suffix: str) -> Form:
    """A .csv whose first path ends so."""
    return lambda given: any(row.get("path", "").lower().endswith(suffix) for row in _first_rows(given))


def any_of(*forms: Form) -> Form:
    """One of several forms."""
    return lambda given: any(form(given) for form in forms)


def _columns(given: str) -> list[str]:
    return list(next(iter(_first_rows(given)), {}))


def _first_rows(given: str) -> list[dict[str, str]]:
    """The first line of a .csv by its columns; nothing of what is none, which whoever reads it says."""
    if Path(given).suffix.lower() != ".csv":
        return []
    try:
        with Path(given).open(newline="", encoding="utf-8-sig") as stream:
            row = next(csv.DictReader(stream), None)
    except (OSError, UnicodeDecodeError, csv.Error):
        return []
    return [] if row is None else [{key: str(value) for key, value in row.items() if key is not None}]
