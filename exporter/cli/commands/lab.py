"""`mobile-export lab`: who uses which device, and taking one away from whoever has it."""

import click

from exporter.cli.options.report import report_options
from exporter.cli.reporter import Reporter
from exporter.data.errors import UsageProblem


@click.group(name="lab")
def command() -> None:
    """See who uses which device, and break a lease by hand."""


@command.command()
@report_options("leases")
def leases(reporter: Reporter) -> int:
    """List who uses which device now: the leases of this host, and those that the devices which it reaches keep."""
    from exporter.use_cases.devices.leases import list_leases

    result = list_leases()
    if reporter.format == "text":
        for sentence in result.not_asked:
            click.echo(sentence, err=True)
    return reporter.report(result)


@command.command()
@click.argument("serial")
@click.option("--force", is_flag=True, help="Needed: whoever measures there loses what is not finished.")
def release(serial: str, force: bool) -> int:
    """Take the device SERIAL away from whoever uses it; it is logged, and the owner is told by whom.

    The owner notices within ten seconds, ends what runs on the device, and keeps what it had finished. A lease whose
    owner is dead needs none of this: it runs out within a minute by itself.
    """
    from exporter.use_cases.devices.leases import break_lease

    if not force:
        raise UsageProblem(
            f"Whoever uses {serial} loses what is not finished: `lab leases` shows who. Then say --force."
        )
    broken = break_lease(serial)
    click.echo(f"{serial} is free. It was in use by {broken.lease.told()}. Written into {broken.log}.")
    return 0
