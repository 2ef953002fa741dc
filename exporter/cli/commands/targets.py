"""`mobile-export targets`: list, show, check, schema."""

from itertools import chain
from pathlib import Path

import click

from exporter.cli import completion
from exporter.cli.lazy import SuggestingGroup
from exporter.cli.options.report import report_options
from exporter.cli.options.targets import targets_option
from exporter.cli.reporter import Reporter
from exporter.use_cases.targets import check_targets, list_targets, show_target


@click.group(name="targets", cls=SuggestingGroup)
def command() -> None:
    """List, show and check the targets that models are exported for."""


@command.command(name="list")
@targets_option
@report_options("targets")
def list_command(targets_file: Path | None, reporter: Reporter) -> int:
    """List every target: its name, format, minimum OS and description."""
    return reporter.report(list_targets(targets_file))


@command.command()
@click.argument("name", shell_complete=completion.targets)
@targets_option
@report_options("target")
def show(name: str, targets_file: Path | None, reporter: Reporter) -> int:
    """Show every setting of target NAME, defaults included."""
    return reporter.report(show_target(name, targets_file))


@command.command()
@targets_option
@report_options("targets-check")
def check(targets_file: Path | None, reporter: Reporter) -> int:
    """Check every target and report all errors. Exit code 2 when there are any."""
    result = check_targets(targets_file)
    if reporter.format == "text":
        for sentence in chain.from_iterable(result.problems.values()):
            click.echo(sentence, err=True)
    return reporter.report(result)


@command.command()
def schema() -> None:
    """Print the JSON Schema of a targets file, for editors; the same as `mobile-export schema targets`."""
    from exporter.use_cases.schema import schema_text

    click.echo(schema_text("targets"), nl=False)
