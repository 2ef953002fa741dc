"""Options that say where runs are kept, and what they were made from; shared by commands that keep or read them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from exporter.data.facts.revision import Revision

VARIABLE = "MOBILE_EXPORT_HISTORY"
PLACE = click.Path(path_type=Path)

keep_option = click.option(
    "--history",
    type=PLACE,
    envvar=VARIABLE,
    metavar="FILE|FOLDER",
    help=f"Keep what was found there: a file of SQLite (runs.sqlite) or a folder.  [env: {VARIABLE}]",
)
place_option = click.option(
    "--history",
    "place",
    type=PLACE,
    envvar=VARIABLE,
    required=True,
    metavar="FILE|FOLDER",
    help=f"Where runs are kept.  [env: {VARIABLE}]",
)
commit_option = click.option(
    "--commit",
    metavar="COMMIT",
    help="What it was made from.  [default: git's HEAD here, else what the CI system says]",
)


def revision_here(given: str | None) -> "Revision | None":
    """What this folder's code is, or what the user says it is."""
    from exporter.history.revision import revision_of

    return revision_of(Path.cwd(), given)
