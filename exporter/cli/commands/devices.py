"""`mobile-export devices`: what models can be measured on now."""

from collections.abc import Iterator, Sequence

import click

from device_harness.discovery import discover
from device_harness.facts import DeviceInfo
from exporter.cli.options.report import report_options
from exporter.cli.reporter import Reporter
from exporter.data.results.listings import DevicesResult


@click.command(name="devices")
@report_options("devices")
def command(reporter: Reporter) -> int:
    """List this machine, every Apple device and every device behind adb, each with its state and what to do."""
    listing = discover()
    not_asked = tuple(map(str, listing.problems))
    if reporter.format == "text":
        for sentence in (*_notes(listing.devices), *not_asked):
            click.echo(sentence, err=True)
    return reporter.report(DevicesResult(listing.devices, not_asked))


def _notes(devices: Sequence[DeviceInfo]) -> Iterator[str]:
    for info in devices:
        if info.advice:
            yield f"{info.serial}: {info.advice}"
        if info.also:
            yield f"{info.serial}: the same device as {', '.join(info.also)}"
