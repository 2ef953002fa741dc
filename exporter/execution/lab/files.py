"""Files of a host, by the digest of their content: each travels there once, however many jobs need it."""

import os
import shutil
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from device_harness.digests import files_of, tree_digest
from exporter.data.errors import ToolError

VARIABLE = "MOBILE_EXPORT_LAB_STATE"
CHUNK_BYTES = 8 * 2**20


def state_folder() -> Path:
    """Where the host keeps what a lab needs; its processes have it in their environment."""
    return Path(os.environ[VARIABLE])


def path_of(digest: str) -> Path:
    """Where a file or package of this digest lies, or would lie, on this host."""
    return state_folder() / "files" / digest


def has(digest: str) -> bool:
    """Whether this host has it."""
    return path_of(digest).exists()


def put(token: str, chunk: bytes) -> None:
    """Take a part of a file that is being sent, after those before it."""
    with _unfinished(token).open("ab") as file:
        file.write(chunk)


def finish(token: str, digest: str) -> None:
    """What was sent is whole: it is kept under its digest.

    Raises:
        ToolError: it came otherwise than it was sent.
    """
    archive = _unfinished(token)
    folder = archive.with_suffix(".folder")
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        (content,) = folder.iterdir()
        if tree_digest(content) != digest:
            raise ToolError(f"a file came to host {os.uname().nodename} otherwise than it was sent.")
        path_of(digest).parent.mkdir(parents=True, exist_ok=True)
        if not has(digest):
            content.rename(path_of(digest))
    finally:
        archive.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def chunks(path: Path) -> Iterator[bytes]:
    """A file or package as it is sent; only its content, nothing of when and whose it is."""
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for item in files_of(path):
                name = Path("content") / item.relative_to(path) if path.is_dir() else Path("content")
                tar.add(item, str(name), recursive=False)
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def new_token() -> str:
    """Of a file that is to be sent."""
    return uuid.uuid4().hex


def _unfinished(token: str) -> Path:
    folder = state_folder() / "files"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{token}.unfinished"
