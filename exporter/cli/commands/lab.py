"""`mobile-export lab`: devices of many hosts; who uses which, and taking one away from whoever has it."""

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from platformdirs import user_state_dir

from exporter.cli.options.lab import FOLDER, lab_at, scheduler_option, tls_option
from exporter.cli.options.report import report_options
from exporter.cli.options.runner import runner_options
from exporter.cli.options.targets import devices_option
from exporter.cli.progress import progress
from exporter.cli.reporter import Reporter
from exporter.data.errors import UsageProblem
from exporter.formats.devices import RunnerChoice
from exporter.formats.registry import format_of

if TYPE_CHECKING:
    from exporter.execution.lab.client import Lab


@click.group(name="lab")
def command() -> None:
    """Serve the devices of hosts to everybody, see who uses which, and break a lease by hand."""


@command.command()
@scheduler_option("Of the lab that this host joins, such as tls://10.0.0.1:8786.  [default: start one]")
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:8786",
    show_default=True,
    help="Where a scheduler that is started listens.",
)
@tls_option
@click.option("--no-tls", "without_tls", is_flag=True, help="Let everybody in who reaches the scheduler.")
@click.option(
    "--inventory",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Labels by serial; see docs/lab.md.  [default: inventory.toml in this folder, where there is one]",
)
@click.option("--host", "host", metavar="NAME", default=socket.gethostname, help="Of this one, in the lab.")
@click.option("--state", type=FOLDER, metavar="FOLDER", help="Files and jobs.  [default: of the user]")
def serve(
    scheduler: str | None,
    listen: str,
    tls: Path | None,
    without_tls: bool,
    inventory: Path | None,
    host: str,
    state: Path | None,
) -> int:
    """Serve the devices of this host to a lab until Ctrl-C: one process a device that is ready.

    The first host starts the scheduler and says its address; the others join with --scheduler. Devices that are
    unplugged leave, those that are plugged in join.
    """
    from exporter.use_cases.lab.serve import ServeRequest
    from exporter.use_cases.lab.serve import serve as serve_devices

    found = inventory or (Path("inventory.toml") if Path("inventory.toml").exists() else None)
    where = state or Path(user_state_dir("mobile-export")) / "lab"
    serve_devices(
        ServeRequest(scheduler, _listening(listen), tls, without_tls, found, _host_name(host), where), progress()
    )
    return 0


def _listening(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageProblem(f"--listen {text!r}: write HOST:PORT, such as 10.0.0.1:8786.")
    return host, int(port)


def _host_name(text: str) -> str:
    if not text or set(text) & set("@,=<> "):
        raise UsageProblem(f"--host {text!r}: a name without spaces, '@', ',', '=', '<' and '>'.")
    return text


@command.command()
@click.argument("folder", type=FOLDER)
def certificates(folder: Path) -> int:
    """Make the certificates of a lab in FOLDER; whoever has the folder is let in.

    Copy it to every host and user of the lab by a way that you trust, and name it with --tls.
    """
    from exporter.execution.lab.security import make_certificates

    make_certificates(folder)
    click.echo(f"{folder} has the certificates of a lab. Whoever has them is let in: copy them with care.")
    return 0


@command.command()
@scheduler_option("Of the lab.", required=True)
@tls_option
@report_options("lab-status")
def status(scheduler: str, tls: Path | None, reporter: Reporter) -> int:
    """Show the devices of a lab: state, since when, job, and who uses them; on a terminal until Ctrl-C."""
    from contextlib import closing

    from exporter.execution.lab.client import Lab
    from exporter.use_cases.lab.status import status_of

    at = lab_at(scheduler, tls)
    assert at is not None
    with closing(Lab(at, progress())) as lab:
        if reporter.format == "text" and reporter.file is None and sys.stdout.isatty():
            return _live(lab)
        return reporter.report(status_of(lab))


@command.command()
@click.argument("job")
@scheduler_option("Of the lab.", required=True)
@tls_option
@click.option("--strict", is_flag=True, help="What could not be checked fails.")
@report_options("profile")
def collect(job: str, scheduler: str, tls: Path | None, strict: bool, reporter: Reporter) -> int:
    """Get what the measurement JOB gave after its host had been given up: as `profile` would have reported it."""
    from contextlib import closing

    from exporter.execution.lab.client import Lab
    from exporter.use_cases.lab.collect import collect as collected

    at = lab_at(scheduler, tls)
    assert at is not None
    with closing(Lab(at, progress())) as lab:
        return reporter.report(collected(lab, job, strict=strict))


@command.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@scheduler_option("Of the lab.", required=True)
@tls_option
@devices_option("Default: all. Repeatable.")
@runner_options
@click.option(
    "--history",
    type=click.Path(path_type=Path, dir_okay=False),
    default="drift.jsonl",
    show_default=True,
    metavar="FILE",
    help="Earlier nights, a line each; this one is added.",
)
@click.option("--accept", is_flag=True, help="Hold later nights against this one and those after it.")
@click.option("--strict", is_flag=True, help="What could not be checked fails.")
@report_options("lab-drift")
def drift(
    model: Path,
    scheduler: str,
    tls: Path | None,
    devices: tuple[str, ...],
    choice: RunnerChoice,
    history: Path,
    accept: bool,
    strict: bool,
    reporter: Reporter,
) -> int:
    """Measure the reference MODEL on every phone of a lab, and say which are not what they were on nights before.

    Meant for a nightly job. Exit code 1 when a phone drifted, 3 when one could not be measured.
    """
    from exporter.use_cases.lab.drift import DriftRequest
    from exporter.use_cases.lab.drift import drift as drifted
    from exporter.use_cases.profile import ProfileRequest
    from profilers.plan import ProfilePlan

    at = lab_at(scheduler, tls)
    assert at is not None
    form = format_of(model)
    if form is None:
        raise UsageProblem(f"{model}: no format knows it.")
    profile = ProfileRequest(form, [model], ProfilePlan(energy_repeats=0), choice)
    request = DriftRequest(profile, devices or ("all",), history, accept, strict)
    return reporter.report(drifted(request, at, progress()))


def _live(lab: "Lab") -> int:
    import time

    from rich.live import Live
    from rich.text import Text

    from exporter.report.renderer import render
    from exporter.use_cases.lab.status import status_of

    with Live(screen=False, auto_refresh=False) as shown:
        while True:
            shown.update(Text(render("text", status_of(lab))), refresh=True)
            time.sleep(1.0)


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
