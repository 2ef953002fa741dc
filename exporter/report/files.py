"""Writes the rendered reports of a run beside its record."""

from pathlib import Path

from exporter.artifacts.output import write_text
from exporter.record import RunRecord
from exporter.report.html import render_html


def write_reports(record: RunRecord, output: Path) -> None:
    """Write `report.html` into `output`, whole or not at all."""
    write_text(output / "report.html", render_html(record))
