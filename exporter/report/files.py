"""Writes the rendered reports of a run beside its record."""

from pathlib import Path

from exporter.data.record import RunRecord
from exporter.report.html.page import render_html
from exporter.store.output import write_text


def write_reports(record: RunRecord, output: Path) -> None:
    """Write `report.html` into `output`, whole or not at all."""
    write_text(output / "report.html", render_html(record))
