"""`mobile-export devices`: what models can be measured on now."""

import json

import click

from device_harness.discovery import Listing, discover
from device_harness.facts import DeviceInfo
from exporter.cli.commands.targets import format_option


@click.command(name="devices")
@format_option
def command(output_format: str) -> int:
    """List this machine, every Apple device and every device behind adb, each with its state and what to do."""
    listing = discover()
    if output_format == "json":
        rows = [info.model_dump(mode="json") for info in listing.devices]
        unasked = [str(problem) for problem in listing.problems]
        click.echo(json.dumps({"schema_version": 1, "devices": rows, "not_asked": unasked}, indent=2))
    else:
        _show(listing)
    return 0


def _show(listing: Listing) -> None:
    table = [("SERIAL", "KIND", "STATE", "MODEL", "SYSTEM", "CPU"), *map(_row, listing.devices)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for info in listing.devices:
        if info.advice:
            click.echo(f"{info.serial}: {info.advice}", err=True)
        if info.also:
            click.echo(f"{info.serial}: the same device as {', '.join(info.also)}", err=True)
    for problem in listing.problems:
        click.echo(problem, err=True)


def _row(info: DeviceInfo) -> tuple[str, ...]:
    cpu = " ".join(filter(None, [f"{info.cpus} x" if info.cpus else None, info.architecture]))
    return info.serial, info.kind, info.state.value, info.model or "-", info.os or "-", cpu or "-"
