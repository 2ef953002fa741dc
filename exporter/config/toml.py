"""Typed data from a TOML file: every error at once, each with its place, an unknown key with the nearest known one."""

from pathlib import Path
from typing import Any

from exporter.config.files import read_toml
from exporter.config.problems import Model, checked
from exporter.data.versions import checked_version


def read_settings(path: Path, kind: type[Model]) -> Model:
    """The file at `path` as a `kind`.

    Raises:
        UsageProblem: unreadable, not TOML, of a newer schema, or with errors (all in one message).
    """
    document = read_toml(path)
    check_own(document, path, kind.model_fields["schema_version"].default)
    return checked(kind, document, whole=f"{path} has")


def check_own(document: Any, path: Path, known: int) -> None:
    """Refuse a document without a schema version, and one of a version that this program does not know.

    Raises:
        UsageProblem: it is refused; the message says what a file of one's own must hold.
    """
    otherwise = f"Write schema_version = {known} when the file is your own."
    checked_version(document, path, known, otherwise=otherwise)
