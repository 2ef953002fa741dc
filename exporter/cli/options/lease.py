"""The option that says what is done where a device is in use; shared by every command that measures on some."""

import click

from exporter.cli.options.quantities import SPAN

wait_option = click.option(
    "--wait",
    "wait_s",
    type=SPAN,
    default=0.0,
    metavar="TIME",
    help="Wait so long for a device that somebody else uses, such as '30 min'.  [default: refuse it at once]",
)
