"""The use case of `mobile-export inspect`."""

from pathlib import Path

from exporter.data.results.commands import InspectResult
from exporter.formats.files import inspect


def inspect_artifact(path: Path) -> InspectResult:
    """What is inside a model file or package that anyone made.

    Raises:
        UsageProblem: not there, of another form, or damaged.
        MissingExtraError: reading this form needs the export extra.
    """
    return InspectResult(inspect(path))
