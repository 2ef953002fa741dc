"""The devices there are, as a table."""

from device_harness.facts import DeviceInfo
from exporter.data.results.listings import DevicesResult
from exporter.report.cells import one_line
from exporter.report.renderer import View

COLUMNS = ("SERIAL", "KIND", "STATE", "MODEL", "SYSTEM", "CPU")


def render(result: DevicesResult, view: View) -> str:
    """A line a device."""
    table = [COLUMNS, *(tuple(map(one_line, _row(info))) for info in result.devices)]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(info: DeviceInfo) -> tuple[str, ...]:
    cpu = " ".join(filter(None, [f"{info.cpus} x" if info.cpus else None, info.architecture]))
    return info.serial, info.kind, info.state.value, info.model or "-", info.os or "-", cpu or "-"
