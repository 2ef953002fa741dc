"""Room and rights where the program writes."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from exporter.data.errors import ExporterError
from exporter.data.results.doctor import Checkup
from exporter.data.units import format_size
from exporter.store.cache import default_root

# A conversion of a network of 100 MB holds its weights some ten times on disk.
LITTLE_BYTES = 5 * 10**9
NOTHING_BYTES = 200 * 10**6


def place_checkups() -> Iterator[Checkup]:
    """The cache, the folder for scratch files, and this folder, where artifacts go by default."""
    cache = default_root()
    mend = "MOBILE_EXPORT_CACHE=FOLDER names another one"
    yield _place("cache", cache, "what was made once, for later runs", mend)
    try:
        scratch = Path(tempfile.gettempdir())
    except OSError as error:
        yield Checkup("disk", "scratch files", "broken", str(error), mend="TMPDIR=FOLDER names one")
    else:
        yield _place("scratch files", scratch, "conversion", "TMPDIR=FOLDER names another one")
    yield _place("this folder", Path.cwd(), "artifacts and reports", "run it in another one, or give -o FOLDER")


def _place(name: str, folder: Path, use: str, mend: str) -> Checkup:
    try:
        there = next(path for path in (folder, *folder.parents) if path.is_dir())
        free = shutil.disk_usage(there).free
    except (OSError, StopIteration, ExporterError) as error:
        return Checkup("disk", name, "broken", f"{folder}: {error}", use, mend)
    words = f"{folder}, {format_size(free)} free"
    if not os.access(there, os.W_OK | os.X_OK):
        return Checkup("disk", name, "broken", f"{words}, and may not be written to", use, mend)
    if free < NOTHING_BYTES:
        return Checkup("disk", name, "broken", words, use, f"free some room; {mend}")
    if free < LITTLE_BYTES:
        return Checkup("disk", name, "differs", f"{words}: large models may need more", use, f"free some room; {mend}")
    return Checkup("disk", name, "works", words, use)
