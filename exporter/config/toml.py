"""Typed data from a TOML file: every error at once, each with its place, an unknown key with the nearest known one."""

from pathlib import Path
from typing import Any

from exporter.config.files import read_toml
from exporter.config.problems import Model, checked
from exporter.data.errors import UsageProblem


def read_settings(path: Path, kind: type[Model]) -> Model:
    """The file at `path` as a `kind`.

    Raises:
        UsageProblem: unreadable, not TOML, of a newer schema, or with errors (all in one message).
    """
    document = read_toml(path)
    check_version(document, path, kind.model_fields["schema_version"].default)
    return checked(kind, document, whole=f"{path} has")


def check_version(document: Any, path: Path, known: int) -> None:
    """Refuse a document without a schema version, and one of a version that this program does not know."""
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise UsageProblem(f"{path} has no schema_version. Write schema_version = {known} when the file is your own.")
    if version > known:
        raise UsageProblem(
            f"{path} has schema version {version}; this program knows versions up to {known}. "
            "Upgrade mobile-export to read it."
        )
    if version < 1:
        raise UsageProblem(f"{path} has schema version {version}, which no release ever wrote.")
