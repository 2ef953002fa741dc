"""Options that say what targets are; shared by every command that takes some."""

from pathlib import Path

import click

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
