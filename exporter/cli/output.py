"""Where commands write: whole files or none."""

from typing import TYPE_CHECKING

import click

from exporter.data.errors import file_problem

if TYPE_CHECKING:
    from pathlib import Path


def encodable(text: str) -> bytes:
    """UTF-8 with the bytes of file names that are not text written out."""
    return text.encode("utf-8", "backslashreplace")


def echo(text: str) -> None:
    """Write `text` to standard output as it is, in UTF-8 whatever the locale says."""
    click.echo(encodable(text), nl=False)


def complain(message: str) -> None:
    """Write an error to standard error."""
    click.echo(encodable(f"error: {message}\n"), nl=False, err=True)


def write_text(path: "Path", text: str) -> None:
    """Write UTF-8 to `path`, which appears whole or not at all.

    Raises:
        UsageProblem: `path` is no place to write to.
        ToolError: the disk is full.
    """
    from exporter.store import output  # late: `--help` takes no lock

    output.write_text(path, encodable(text).decode())


def append_text(path: "Path", text: str) -> None:
    """Append UTF-8 to `path`, as CI systems ask for their summaries."""
    try:
        with path.open("ab") as file:
            file.write(encodable(text) + b"\n")
    except OSError as error:
        raise file_problem(path, error) from error
