"""Options that say in which formats a result is wanted, and where; shared by every command that reports."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from exporter.cli.progress import QUIET
from exporter.cli.reporter import Reporter
from exporter.data.errors import UsageProblem
from exporter.report.renderer import names_for

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)
MORE_OR_LESS = ("run", "budget", "compare", "profile", "verify", "check", "gate")
"""Kinds of results whose text heeds `View.verbose` and `View.quiet`."""


def report_options(kind: str, *, output: bool = True) -> Callable[[Command], Command]:
    """Add the options to a command whose results are of `kind`; it gets them as `reporter`.

    Args:
        kind: of `exporter.data.results.commands`.
        output: whether ``-o`` names the file of the report; not where it names the folder of a run.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_reporter(
            *args: Any,
            output_format: str,
            reports: tuple[str, ...] = (),
            summary: Path | None = None,
            report_file: Path | None = None,
            quiet: bool = False,
            verbose: bool = False,
            **kwargs: Any,
        ) -> Any:
            if quiet and verbose:
                raise UsageProblem("-q and -v exclude each other.")
            wanted = tuple(_report(text, kind) for text in reports)
            reporter = Reporter(output_format, report_file, wanted, summary, verbose=verbose, quiet=quiet)
            return command(*args, reporter=reporter, **kwargs)

        wrapped: Any = with_reporter
        for option in reversed(_options(kind, output=output)):
            wrapped = option(wrapped)
        found: Command = wrapped
        return found

    return decorate


def _options(kind: str, *, output: bool) -> list[Callable[[Any], Any]]:
    names = names_for(kind)
    options = [_format_option(names)]
    if output:
        help_text = "File for what -f says, written whole or not at all.  [default: standard output]"
        options.append(click.option("-o", "--output", "report_file", type=FILE, metavar="FILE", help=help_text))
    if len(names) > 2:
        options.append(_report_option())
    if "markdown" in names:
        options.append(_summary_option())
    return [*options, *_amount_options(kind)]


def _amount_options(kind: str) -> list[Callable[[Any], Any]]:
    """How much text says, for results that can say more or less."""
    if kind not in MORE_OR_LESS:
        return []
    return [
        click.option(
            "-q", "--quiet", is_flag=True, callback=_hush, help="Say what failed and nothing else; show no progress."
        ),
        click.option("-v", "--verbose", is_flag=True, help="Show every gate, reading and table."),
    ]


def _hush(context: click.Context, option: click.Parameter, value: bool) -> bool:
    context.meta[QUIET] = value
    return value


def _format_option(names: Sequence[str]) -> Callable[[Any], Any]:
    choice = click.Choice(names)
    return click.option(
        "-f", "--format", "output_format", type=choice, default="text", show_default=True, help="Of the report."
    )


def _report_option() -> Callable[[Any], Any]:
    help_text = "Write a report besides, whole or not at all: junit=gates.xml. May be repeated."
    return click.option("--report", "reports", multiple=True, metavar="FORMAT=FILE", help=help_text)


def _summary_option() -> Callable[[Any], Any]:
    help_text = 'Append Markdown to FILE: --summary "$GITHUB_STEP_SUMMARY".'
    return click.option("--summary", type=FILE, metavar="FILE", help=help_text)


def _report(text: str, kind: str) -> tuple[str, Path]:
    form, equals, path = text.partition("=")
    names = names_for(kind)
    if not equals or not path or form not in names:
        raise UsageProblem(f"--report {text!r}: write FORMAT=FILE with one of {', '.join(names)}: json=found.json.")
    return form, Path(path)
