"""Profiling plans from files."""

from pathlib import Path
from typing import Any

from exporter.config.files import read_document
from exporter.config.problems import checked
from exporter.data.versions import checked_version
from profilers.plan import ProfilePlan

SCHEMA_VERSION = 1


def load_plan(path: Path, **changes: Any) -> ProfilePlan:
    """The plan in a TOML or JSON file, with `changes` over it; its ``schema_version`` may be left out.

    Raises:
        UsageProblem: unreadable, or not a plan; every error with its key.
    """
    document = read_document(path)
    if isinstance(document, dict) and "schema_version" in document:
        checked_version(document, path, SCHEMA_VERSION)
        document = {key: value for key, value in document.items() if key != "schema_version"}
    return checked(ProfilePlan, {**document, **changes}, whole=f"{path} has")
