"""The output folder of a run: files that appear whole, one run at a time."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from exporter.errors import UsageProblem

LOCK_NAME = ".mobile-export.lock"


@contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """Create `path` when needed and hold it against other runs; a second run waits its turn.

    Raises:
        UsageProblem: it is a file, or cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise UsageProblem(f"output {path} is a file; give a folder.")
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / LOCK_NAME)
        lock.acquire()
    except Timeout as error:  # pragma: no cover - the lock waits without limit
        raise UsageProblem(f"output {path} is in use by another run.") from error
    except OSError as error:
        raise UsageProblem(f"output {path} cannot be written: {error.strerror}.") from error
    try:
        remove_leftovers(path)
        yield path
    finally:
        lock.release()


def write_text(path: Path, text: str) -> None:
    """Write a file whole: temporary name in the same folder, flush, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".tmp-", delete=False) as stream:
        temporary = Path(stream.name)
        try:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    temporary.chmod(0o644)
    temporary.replace(path)


def publish(source: Path, destination: Path) -> None:
    """Copy a file or folder to `destination` so that it is there whole or not at all."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=destination.parent, prefix=".tmp-"))
    try:
        copy = staging / destination.name
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            shutil.copyfile(source, copy)
        if destination.is_dir():
            destination.rename(staging / "old")  # a folder cannot replace a folder in one step
        copy.replace(destination)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed run left in an output folder; the caller holds its lock."""
    for leftover in [*path.glob(".tmp-*"), *path.glob("*/.tmp-*")]:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
