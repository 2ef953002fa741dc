"""Targets as lines: the list, one target's settings, and what is wrong."""

import json
from collections.abc import Iterator
from typing import Any

from exporter.data.results.listings import TargetResult, TargetsCheckResult, TargetsResult
from exporter.report.cells import one_line
from exporter.report.renderer import View


def render(result: TargetsResult | TargetResult | TargetsCheckResult, view: View) -> str:
    """By the kind of the result."""
    shown: dict[str, Any] = {"targets": _listed, "target": _settings, "targets-check": _checked}
    return "".join(f"{line}\n" for line in shown[result.kind](result))


def _listed(result: TargetsResult) -> Iterator[str]:
    rows = [tuple(map(one_line, row)) for row in result.rows]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()


def _settings(result: TargetResult) -> Iterator[str]:
    return _toml_like(result.target.model_dump(mode="json"), "")


def _toml_like(data: dict[str, Any], prefix: str) -> Iterator[str]:
    """Values first, then tables, as dotted keys."""
    for key, value in data.items():
        if value is not None and not isinstance(value, dict):
            yield f"{prefix}{key} = {json.dumps(value)}"
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _toml_like(value, f"{prefix}{key}.")


def _checked(result: TargetsCheckResult) -> Iterator[str]:
    good = sum(not errors for errors in result.problems.values())
    yield f"{good} of {len(result.problems)} targets are well-formed."
