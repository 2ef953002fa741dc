"""The output folder of a run: files that appear whole, one run at a time."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from exporter.data.errors import ExporterError, UsageProblem, file_problem

LOCK_NAME = ".mobile-export.lock"
FULL_BYTES = 2**20
"""A disk with less left is full: whatever a library says when it cannot write, that is why."""


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
    """Write a file whole, as `write_bytes` does, in UTF-8."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole: temporary name in the same folder, flush, rename.

    Raises:
        UsageProblem: `path` is no place to write to.
        ToolError: the disk is full.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".tmp-", delete=False) as stream:
            temporary = Path(stream.name)
            try:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        temporary.chmod(0o644)
        temporary.replace(path)


def publish(source: Path, destination: Path) -> None:
    """Copy a file or folder to `destination` so that it is there whole or not at all.

    Raises:
        UsageProblem: `destination` is no place to write to.
        ToolError: the disk is full.
    """
    with naming(destination):
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


@contextmanager
def naming(path: Path, called: str = "") -> Iterator[None]:
    """Errors of writing say which file was being written, and that the disk is full whatever a library says then.

    Args:
        path: of the file.
        called: what to call it; nothing takes the path.
    """
    called = called or str(path)
    try:
        yield
    except ExporterError:
        raise
    except shutil.Error as error:  # copytree has no error number, only the words of each file's error
        words = str(error.args[0][0][-1]) if isinstance(error.args[0], list) else str(error)
        full = os.strerror(errno.ENOSPC) in str(error)
        known = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full else OSError(words)
        raise file_problem(called, known) from error
    except OSError as error:
        if error.filename is None or is_inside(str(error.filename), path):
            raise file_problem(called, error) from error
        raise
    except Exception as error:
        if _is_full(path):
            raise file_problem(called, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
        raise


def is_inside(name: str, path: Path) -> bool:
    """Whether `name` is `path`, a file under it, or one of the folders that hold it."""
    given, whole = Path(os.path.abspath(name)), Path(os.path.abspath(path))
    return given.is_relative_to(whole.parent) or whole.is_relative_to(given)


def _is_full(path: Path) -> bool:
    there = next((folder for folder in (path, *path.absolute().parents) if folder.exists()), None)
    return there is not None and shutil.disk_usage(there).free < FULL_BYTES


def remove_leftovers(path: Path) -> None:
    """Remove what a killed run left in an output folder; the caller holds its lock."""
    for leftover in [*path.glob(".tmp-*"), *path.glob("*/.tmp-*")]:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
