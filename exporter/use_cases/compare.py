"""The use case of `mobile-export compare`."""

from pathlib import Path

from exporter.data.results import CompareResult
from exporter.sizes.diff import compare_sizes


def compare(before: Path, after: Path) -> CompareResult:
    """Why an artifact or a run grew: two artifacts, packages or folders, or two run.json target by target.

    Raises:
        UsageProblem: one of them cannot be read, or only one is a run.
    """
    return CompareResult(tuple(compare_sizes(before, after)))
