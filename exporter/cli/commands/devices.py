"""`mobile-export devices`: what models can be measured on now."""

import click

from device_harness.discovery import discover
from exporter.cli.options.report import report_options
from exporter.cli.reporter import Reporter
from exporter.data.listings import DevicesResult


@click.command(name="devices")
@report_options("devices")
def command(reporter: Reporter) -> int:
    """List this machine, every Apple device and every device behind adb, each with its state and what to do."""
    listing = discover()
    not_asked = tuple(map(str, listing.problems))
    if reporter.format == "text":
        advice = [f"{info.serial}: {info.advice}" for info in listing.devices if info.advice]
        twice = [f"{info.serial}: the same device as {', '.join(info.also)}" for info in listing.devices if info.also]
        for sentence in (*advice, *twice, *not_asked):
            click.echo(sentence, err=True)
    return reporter.report(DevicesResult(listing.devices, not_asked))
