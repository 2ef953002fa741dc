"""Who uses which device, as a table."""

from exporter.data.results.listings import LeasesResult
from exporter.data.units import format_age
from exporter.report.cells import one_line
from exporter.report.renderer import View

COLUMNS = ("SERIAL", "OWNER", "PROCESS", "SINCE", "AT THE LATEST", "COMMAND")


def render(result: LeasesResult, view: View) -> str:
    """A line a device; a sentence where nobody uses any."""
    if not result.leases:
        return "No device is in use.\n"
    rows = [
        (
            lease.serial,
            lease.owner,
            str(lease.pid),
            f"{format_age(max(0.0, (result.at - lease.since).total_seconds()))} ago",
            f"{lease.until:%Y-%m-%d %H:%M} UTC",
            lease.command,
        )
        for lease in result.leases
    ]
    table = [COLUMNS, *(tuple(map(one_line, row)) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "".join(f"{line.rstrip()}\n" for line in lines)
