"""Opens a history: which of its places a path is."""

from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.history.database import Database
from exporter.history.folder import Folder
from exporter.history.history import History


def open_history(place: Path, *, to_write: bool = False) -> History:
    """The history at `place`: a folder where it is one or has no suffix, else a file of SQLite.

    Args:
        place: of the file or folder.
        to_write: make it where it is not there.

    Raises:
        UsageProblem: it is not there, is of a newer version, or is something else.
    """
    if not to_write and not place.exists():
        raise UsageProblem(
            f"{place}: there is no history there. Keep runs in it with `run --history {place}`, or `history add`."
        )
    is_folder = place.is_dir() or (not place.exists() and not place.suffix)
    return Folder(place, to_write=to_write) if is_folder else Database(place, to_write=to_write)
