"""Options that say what targets are; shared by every command that takes some."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from exporter.cli import completion

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def target_names_option(*, required: bool = True) -> Decorator:
    """Names of targets, once each."""
    return click.option(
        "--target",
        "target_names",
        multiple=True,
        required=required,
        shell_complete=completion.targets,
        metavar="NAME",
        help="Once a target.",
    )


def devices_option(text: str) -> Decorator:
    """Devices that something is measured on.

    Args:
        text: the help.
    """
    return click.option(
        "--device",
        "devices",
        multiple=True,
        shell_complete=completion.devices,
        metavar="SERIAL|local|all|KEY=VALUE,...",
        help=text,
    )


targets_option = click.option(
    "--targets",
    "targets_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Targets of your own, over the presets. Default: targets.toml in this folder.",
)

route_option = click.option(
    "--route",
    "routes",
    multiple=True,
    metavar="NAME",
    help="The only way from MODEL that may be taken, such as trace+direct; once a format. Default: the first that is "
    "right on a sample.",
)
