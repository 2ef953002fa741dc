"""`mobile-export devices`: what models can be measured on now."""

import json

import click

from device_harness.discovery import discover
from device_harness.facts import DeviceInfo
from exporter.cli.commands.targets import format_option


@click.command(name="devices")
@format_option
def command(output_format: str) -> int:
    """List this machine, every Apple device and every device behind adb, each with its state and what to do."""
    found, unasked = discover()
    if output_format == "json":
        rows = [info.model_dump(mode="json") for info in found]
        click.echo(json.dumps({"schema_version": 1, "devices": rows, "not_asked": unasked}, indent=2))
        return 0
    table = [("SERIAL", "KIND", "STATE", "MODEL", "SYSTEM", "CPU"), *map(_row, found)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for info in found:
        if info.advice:
            click.echo(f"{info.serial}: {info.advice}", err=True)
    for sentence in unasked:
        click.echo(sentence, err=True)
    return 0


def _row(info: DeviceInfo) -> tuple[str, ...]:
    cpu = " ".join(filter(None, [f"{info.cpus} x" if info.cpus else None, info.architecture]))
    return info.serial, info.kind, info.state.value, info.model or "-", info.os or "-", cpu or "-"
