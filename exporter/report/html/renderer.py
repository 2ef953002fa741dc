"""Results as one HTML file that needs no network: styles, drawings and data are inside.

The script sorts and filters tables, and says what a mark is; everything can be read without.
"""

import importlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from exporter import __version__
from exporter.data.units import format_size, format_time
from exporter.data.verdict import Verdict, worst_first
from exporter.report.cells import printable
from exporter.report.html.data import embedded
from exporter.report.renderer import Result, View
from exporter.report.summary import counts, excused, headline, status_word, verdict_value

_TEMPLATES = Path(__file__).with_name("templates")


def render(result: Result, view: View) -> str:
    """The page of `result`: the template of its kind, filled with what the module of that kind gives."""
    facts = importlib.import_module(f"exporter.report.html.{result.kind}").facts(result, view)
    return _environment().get_template(f"{result.kind}.html.j2").render({**_shared(result), **facts})


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        finalize=_without_control_characters,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(size=format_size, time=format_time)
    return environment


def _without_control_characters(value: Any) -> Any:
    """Plain text only: what is marked as safe was made here."""
    return printable(value) if type(value) is str else value


def _shared(result: Result) -> dict[str, Any]:
    return {
        "version": __version__,
        "title": result.title,
        "good": result.exit_code == 0,
        "data": embedded(result),
        "counts": counts(result.verdicts),
        "outcome": headline(result.verdicts),
        "verdicts": [_verdict(verdict) for verdict in worst_first(result.verdicts)],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    value, limit = verdict_value(verdict)
    return {
        "word": status_word(verdict),
        "tone": verdict.status.name.lower(),
        "subject": verdict.subject,
        "metric": verdict.metric,
        "value": value,
        "limit": limit,
        "reason": excused(verdict),
    }
