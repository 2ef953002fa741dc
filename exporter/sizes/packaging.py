"""Bytes on the wire and on the device, of entries as they really are."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal, Self

from exporter.data.facts.sizes import ByteCount, FileSize
from exporter.sizes.attribution import BLOCK
from exporter.sizes.codecs import Codec, Compressed, Job, compressed_sizes
from exporter.sizes.containers import Container, Entry

Delivery = Literal["app", "feature-module", "asset-pack", "ai-pack", "on-demand-resource", "background-asset"]

# APPNOTE 4.3: local header 30 bytes and the name, central header 46 bytes and the name, one end record of 22 bytes.
ZIP_ENTRY_BYTES = 30 + 46
ZIP_END_BYTES = 22


@dataclass(frozen=True)
class Options:
    """What a user says about the subjects.

    Attributes:
        stores: names of stores; they decide between gzip and LZFSE for a model alone.
        exact: compress however long it takes instead of in blocks.
        delivery: how a model alone gets to the device.
        rest_size: uncompressed bytes of the app without the model; None when not given.
        rest_download: download bytes of the app without the model; None when not given.
    """

    stores: tuple[str, ...] = ()
    exact: bool = False
    delivery: Delivery = "app"
    rest_size: int | None = None
    rest_download: int | None = None


class Subfolder:
    """The part of a container under one folder, with paths relative to that folder."""

    def __init__(self, container: Container, folder: str) -> None:
        self._container, self._folder = container, folder
        self.entries = tuple(
            replace(entry, path=entry.path.removeprefix(folder))
            for entry in container.entries
            if entry.path.startswith(folder)
        )
        self.packed_size = sum(entry.packed for entry in self.entries)

    def open(self, entry: Entry) -> contextlib.AbstractContextManager[BinaryIO]:
        """The bytes of `entry`."""
        return self._container.open(replace(entry, path=self._folder + entry.path))

    def check_unchanged(self) -> None:
        """Ask the container."""
        self._container.check_unchanged()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def blocks(size: int) -> int:
    """Bytes that a file of `size` bytes takes on APFS, ext4 and f2fs, whose blocks have 4096 bytes."""
    return -(-size // BLOCK) * BLOCK


def entry_downloads(
    container: Container, entries: Iterable[Entry], codec: Codec, *, exact: bool
) -> dict[str, Compressed]:
    """Bytes of each entry's data on the wire.

    With ``gzip`` an entry that the build already deflated counts as it is: the store's gzip of the whole package cannot
    shrink it further. With ``lzfse`` every entry is inflated and compressed anew, as the App Store does.
    """
    ready: dict[str, Compressed] = {}
    jobs = []
    for entry in entries:
        if entry.size == 0:
            ready[entry.path] = Compressed(0, estimated=False)
        elif codec == "gzip" and entry.method == "deflated":
            ready[entry.path] = Compressed(min(entry.packed, entry.size), estimated=False)
        else:
            jobs.append(Job(entry.path, entry.size, _opener(container, entry)))
    return {**ready, **compressed_sizes(jobs, codec, exact=exact)}


def _opener(container: Container, entry: Entry) -> Callable[[], contextlib.AbstractContextManager[BinaryIO]]:
    return lambda: container.open(entry)


def archive_download(downloads: dict[str, Compressed], method: str, *, prefix: str = "") -> ByteCount:
    """Bytes of a zip archive of entries with these sizes, its own records included."""
    names = sum(len((prefix + path).encode("utf-8", "surrogateescape")) for path in downloads)
    records = ZIP_END_BYTES + ZIP_ENTRY_BYTES * len(downloads) + 2 * names
    return ByteCount.estimate(records + sum(found.size for found in downloads.values()), method)


def file_sizes(entries: Iterable[Entry], downloads: dict[str, Compressed]) -> tuple[FileSize, ...]:
    """Every file with its size and its bytes of the download, where they are known."""
    return tuple(
        FileSize(
            path=entry.path,
            size_bytes=entry.size,
            download_bytes=downloads[entry.path].size if entry.path in downloads else None,
        )
        for entry in entries
    )


def total_size(entries: Iterable[Entry]) -> int:
    """Uncompressed bytes."""
    return sum(entry.size for entry in entries)
