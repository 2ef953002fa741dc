"""The option that says in which folder a run leaves its files; shared by the commands that make some."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def folder_option(help_text: str, default: str = "build") -> Callable[[Command], Command]:
    """Add ``-o``, a folder, whose contents the command's own `help_text` says."""
    folder = click.Path(path_type=Path)
    return click.option("-o", "--output", type=folder, default=Path(default), show_default=True, help=help_text)
