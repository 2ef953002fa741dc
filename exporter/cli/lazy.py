"""A click group whose commands are imported when used, so that `--help` stays fast."""

import importlib
from typing import NamedTuple

import click

from exporter.data.spelling import did_you_mean


class CommandEntry(NamedTuple):
    """Where a command lives and what `--help` says of it without importing it."""

    module: str
    help: str


class SuggestingGroup(click.Group):
    """Says which command a mistyped one is most like."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; an unknown name is refused with the nearest known one."""
        hint = did_you_mean(args[0], self.list_commands(ctx))
        if hint and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


class LazyGroup(SuggestingGroup):
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
