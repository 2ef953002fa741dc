"""`mobile-export doctor`: what works on this machine."""

import click

from exporter.cli.options.report import report_options
from exporter.cli.reporter import Reporter
from exporter.data.errors import UsageProblem
from exporter.use_cases.doctor.doctor import AREAS, examine


@click.command(name="doctor")
@click.option(
    "--need",
    "needed",
    multiple=True,
    type=click.Choice(AREAS),
    metavar="AREA",
    help=f"Fail where anything of AREA is missing: {', '.join(AREAS)}. May be repeated.",
)
@click.option("--devices/--no-devices", default=True, help="Look for devices, which can take seconds.")
@report_options("doctor")
def command(needed: tuple[str, ...], devices: bool, reporter: Reporter) -> int:
    """Say what works on this machine, what does not, and the command that mends it.

    Exit code 3 where something is broken, or missing though --need asks for it.
    """
    if "devices" in needed and not devices:
        raise UsageProblem("--need devices and --no-devices exclude each other.")
    return reporter.report(examine(needed, devices=devices))
