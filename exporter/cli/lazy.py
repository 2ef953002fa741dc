"""A click group whose commands are imported when used, so that `--help` stays fast."""

import importlib
from typing import NamedTuple

import click


class CommandEntry(NamedTuple):
    """Where a command lives and what `--help` says of it without importing it."""

    module: str
    help: str


class LazyGroup(click.Group):
    """Resolves a command name to ``module:command`` on first use (click docs, "Lazily Loading Subcommands")."""

    def __init__(self, *args: object, entries: dict[str, CommandEntry] | None = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.entries = entries or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use, not of the alphabet."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of `cmd_name` and return its `command`; None when there is no such name."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(entry.module).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.command is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command table from the entries alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])
