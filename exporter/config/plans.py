"""Profiling plans from files."""

from pathlib import Path
from typing import Any

from exporter.config.files import read_document
from exporter.config.problems import checked
from profilers.plan import ProfilePlan


def load_plan(path: Path, **changes: Any) -> ProfilePlan:
    """The plan in a TOML or JSON file, with `changes` over it.

    Raises:
        UsageProblem: unreadable, or not a plan; every error with its key.
    """
    return checked(ProfilePlan, {**read_document(path), **changes}, whole=f"{path} has")
