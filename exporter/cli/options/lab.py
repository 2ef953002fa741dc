"""Options that say where a lab is; shared by every command that measures on its devices."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from exporter.execution.lab.connection import LabAddress

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
TLS_VARIABLE = "MOBILE_EXPORT_LAB_TLS"
FOLDER = click.Path(path_type=Path, file_okay=False)

tls_option = click.option(
    "--tls",
    "tls",
    type=FOLDER,
    metavar="FOLDER",
    envvar=TLS_VARIABLE,
    show_envvar=True,
    help="Certificates of the lab: ca.pem, cert.pem and key.pem.",
)


def scheduler_option(text: str, *, required: bool = False) -> Decorator:
    """The scheduler of a lab.

    Args:
        text: the help.
        required: whether nothing is done without one.
    """
    return click.option("--scheduler", metavar="ADDRESS", required=required, help=text)


def lab_at(scheduler: str | None, tls: Path | None) -> "LabAddress | None":
    """Where the lab is; None for the devices of this machine."""
    if scheduler is None:
        return None
    from exporter.execution.lab.connection import LabAddress

    return LabAddress(scheduler, tls)
