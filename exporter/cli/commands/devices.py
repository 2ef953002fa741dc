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
    devices, not_asked = discover()
    if reporter.format == "text":
        advice = [f"{info.serial}: {info.advice}" for info in devices if info.advice]
        for sentence in (*advice, *not_asked):
            click.echo(sentence, err=True)
    return reporter.report(DevicesResult(tuple(devices), tuple(not_asked)))
