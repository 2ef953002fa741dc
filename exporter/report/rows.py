"""What a size table shows beside the verdicts; data of the renderers, so that they know no gate."""

from typing import NamedTuple

from exporter.data.units import format_change, format_size


class SizeRow(NamedTuple):
    """One subject, or a model inside one, in bytes; None where a figure is unavailable or there is no baseline."""

    subject: str
    download: int | None
    install: int | None
    download_before: int | None = None
    install_before: int | None = None
    estimated: bool = False
    inside: bool = False


def size_cell(size: int | None, *, estimated: bool = False) -> str:
    """A size for a table."""
    if size is None:
        return "unavailable"
    return f"{'~' if estimated else ''}{format_size(size)}"


def change_cell(now: int | None, before: int | None) -> str:
    """A change for a table; empty without a baseline."""
    if now is None or before is None:
        return ""
    return "no change" if now == before else format_change(now - before, before)
