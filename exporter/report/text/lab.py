"""The devices of a lab, as a table."""

from collections.abc import Sequence
from datetime import datetime

from exporter.data.lab import LabDevice
from exporter.data.results.lab import LabStatusResult
from exporter.data.units import format_age
from exporter.report.cells import one_line
from exporter.report.renderer import View

COLUMNS = ("HOST", "DEVICE", "MODEL", "SYSTEM", "LABELS", "STATE", "SINCE", "JOB", "IN USE BY")


def render(result: LabStatusResult, view: View) -> str:
    """A line a device, and one a problem."""
    if not result.hosts:
        return (
            f"The lab {one_line(result.scheduler)} has no host. Start some: mobile-export lab serve --scheduler ...\n"
        )
    table = [COLUMNS, *(tuple(map(one_line, _row(device, result.at))) for device in result.devices)]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    busy = sum(device.state == "measuring" for device in result.devices)
    told = f"{_counted(result.devices, 'device')} on {_counted(result.hosts, 'host')}, {busy} measuring"
    lines += ["", told, *map(one_line, result.problems)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _counted(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _row(device: LabDevice, at: datetime) -> tuple[str, ...]:
    info = device.info
    since = format_age(max(0.0, (at - device.since).total_seconds()))
    return (
        device.host,
        info.serial,
        info.model or "-",
        info.os or "-",
        ",".join(device.labels) or "-",
        device.state,
        since,
        (device.job or "-")[:8],
        "-" if device.lease is None else device.lease.owner,
    )
