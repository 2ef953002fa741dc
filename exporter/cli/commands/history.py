"""`mobile-export history`: runs that are kept, their trends, and a gate for releases."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exporter.cli.options.history import place_option
from exporter.cli.options.report import report_options
from exporter.cli.reporter import Reporter

if TYPE_CHECKING:
    from exporter.history.trends import Wanted

LAST = 50
WINDOW = 30


@click.group(name="history")
def command() -> None:
    """Keep runs; show how figures went from run to run, and which commit changed them; gate a release.

    A history is one file of SQLite, or a folder. `run --history PLACE` and `profile --history PLACE` keep what they
    found; `history add` keeps what earlier ones wrote.
    """


def _filters(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--metric", default="", metavar="NAME", help="This figure alone, such as latency."),
        click.option("--device", default="", metavar="WORDS", help="Devices, or data, whose name holds this."),
        click.option("--target", default="", metavar="NAME", help="This target alone."),
        click.option("--model", default="", metavar="NAME", help="This model alone."),
    ):
        function = option(function)
    return function


@command.command()
@click.argument(
    "documents", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@place_option
@click.option("--model", metavar="NAME", help="What the figures are of.  [default: what each document says]")
@click.option("--commit", metavar="COMMIT", help="What they were made from.  [default: what each run says]")
@report_options("kept")
def add(documents: tuple[Path, ...], place: Path, model: str | None, commit: str | None, reporter: Reporter) -> int:
    """Keep each RUN, a run.json or what `profile -f json` wrote; one that is there already is not kept twice."""
    from exporter.data.facts.revision import Revision
    from exporter.use_cases.history import add as carry_out

    revision = Revision(commit=commit) if commit else None
    return reporter.report(carry_out(place, documents, model, revision))


@command.command("list")
@place_option
@click.option("--model", default="", metavar="NAME", help="This model alone.")
@report_options("kept")
def list_(place: Path, model: str, reporter: Reporter) -> int:
    """List the runs that are kept, the oldest first."""
    from exporter.use_cases.history import list_runs

    return reporter.report(list_runs(place, model))


@command.command()
@place_option
@_filters
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=LAST,
    show_default=True,
    metavar="N",
    help="Newest runs of each model.",
)
@report_options("history")
def show(place: Path, last: int, reporter: Reporter, **given: str) -> int:
    """Show how bytes, latency, memory, energy and accuracy went, where their level changed, and which commit did it."""
    from exporter.use_cases.history import show as carry_out

    return reporter.report(carry_out(place, _wanted(given), last))


@command.command()
@place_option
@_filters
@click.option("--commit", default="", metavar="COMMIT", help="Judge its runs.  [default: the newest of each model]")
@click.option("--since", default="", metavar="COMMIT", help="Accept what it changed: look at no run before its first.")
@click.option(
    "--tolerance",
    "tolerances",
    multiple=True,
    metavar="METRIC=AMOUNT",
    help="What may be lost: latency=5%, top1=0.5 (points). Repeatable.  "
    "[default: 1% of bytes, 5% of a reading, 0.5 points of an accuracy]",
)
@click.option(
    "--window", type=click.IntRange(min=1), default=WINDOW, show_default=True, metavar="N", help="Earlier runs."
)
@click.option("--strict", is_flag=True, help="What could not be checked fails.")
@report_options("gate")
def gate(
    place: Path,
    commit: str,
    since: str,
    tolerances: tuple[str, ...],
    window: int,
    strict: bool,
    reporter: Reporter,
    **given: str,
) -> int:
    """Fail where the newest runs lost more than is tolerated, and more than runs differ without any change.

    They are held against the best level of the runs before. Exit code 1 when a figure got worse, 0 when none did; too
    few runs to know the noise are not checked, which --strict lets fail. One newest run cannot be told from an outlier;
    of three or more of one commit, one may be off.
    """
    from exporter.use_cases.history import GateRequest
    from exporter.use_cases.history import gate as carry_out

    request = GateRequest(place, _wanted(given), commit, since, tolerances, window, strict)
    return reporter.report(carry_out(request))


def _wanted(given: dict[str, str]) -> "Wanted":
    from exporter.history.trends import Wanted

    return Wanted(**given)
