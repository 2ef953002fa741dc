"""Options that say what runs a model on devices: which runner, and what the formats' runners need."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from exporter.formats.devices import RunnerChoice, RunnerOption
from exporter.formats.registry import all_formats

Command = TypeVar("Command", bound=Callable[..., Any])


def runner_options(command: Command) -> Command:
    """Add the options to a command; it gets them as `choice`."""
    options = [option for form in all_formats() for option in form.devices.options]

    @functools.wraps(command)
    def with_choice(*args: Any, runner: str, **given: Any) -> Any:
        sets = {option.sets: given.pop(option.sets) for option in options}
        return command(*args, choice=RunnerChoice(runner, **sets), **given)

    wrapped: Any = with_choice
    for option in reversed(options):
        wrapped = _option(option)(wrapped)
    found: Command = click.option(
        "--runner", metavar="NAME", default="auto", show_default=True, help="What runs the model."
    )(wrapped)
    return found


def _option(option: RunnerOption) -> Callable[[Any], Any]:
    if option.takes_path:
        kind = click.Path(exists=True, dir_okay=False) if option.here else None
        return click.option(option.flag, option.sets, metavar="PATH", type=kind, help=option.help)
    return click.option(option.flag, option.sets, is_flag=True, help=option.help)
