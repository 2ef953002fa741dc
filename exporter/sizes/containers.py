"""Files inside a folder or a zip archive, read as streams; whatever is unsafe or does not add up is one clear error."""

import contextlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, Protocol, Self

from exporter.data.errors import UsageProblem
from exporter.sizes.zip_records import behind_header, entry_count

MAX_ENTRIES = 200_000
MAX_DEPTH = 64
# Deflate reaches 1032:1 on zeros; real apps stay under 10:1. Small archives of zeros are harmless.
MAX_RATIO = 100
HARMLESS_BYTES = 1_000_000_000

# What zipfile lets through, depending on which byte is wrong: an offset before the file, a flag, a length, a name.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, OSError, ValueError, RuntimeError)


@dataclass(frozen=True)
class Entry:
    """One file.

    Attributes:
        path: relative, with forward slashes.
        size: uncompressed bytes.
        packed: bytes that it takes in the archive; `size` in a folder.
        method: how it lies there.
        crc: CRC-32 that the archive says it has; None in a folder.
    """

    path: str
    size: int
    packed: int
    method: Literal["file", "stored", "deflated", "other"]
    crc: int | None = None


class Container(Protocol):
    """A set of files that can be read one after the other, from several threads."""

    entries: tuple[Entry, ...]
    packed_size: int

    def open(self, entry: Entry) -> contextlib.AbstractContextManager[BinaryIO]:
        """The uncompressed bytes of `entry` as a stream."""

    def check_unchanged(self) -> None:
        """Raise `UsageProblem` when anything was changed since the container was opened."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class FolderContainer:
    """Files under a folder; links that stay inside count nothing, links that leave it are refused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = _folder_state(folder)
        self.entries = tuple(
            Entry(path=path, size=size, packed=size, method="file") for path, (size, _) in self._state.items()
        )
        self.packed_size = sum(entry.size for entry in self.entries)

    @contextlib.contextmanager
    def open(self, entry: Entry) -> Iterator[BinaryIO]:
        """The bytes of `entry`."""
        try:
            with (self._folder / entry.path).open("rb") as stream:
                yield stream
        except OSError as error:
            raise UsageProblem(f"{self._folder / entry.path} cannot be read: {error.strerror}.") from error

    def check_unchanged(self) -> None:
        """List the folder again and compare names, sizes and times."""
        now = _folder_state(self._folder)
        if now != self._state:
            changed = sorted({path for path, _ in now.items() ^ self._state.items()})
            raise _changed(self._folder / changed[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class FilesContainer:
    """One file, or files that belong together, as a container."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = {path.name: path for path in paths}
        self._state = {name: file_state(path) for name, path in self._paths.items()}
        self.entries = tuple(
            Entry(path=name, size=size, packed=size, method="file") for name, (size, _) in self._state.items()
        )
        self.packed_size = sum(entry.size for entry in self.entries)

    @contextlib.contextmanager
    def open(self, entry: Entry) -> Iterator[BinaryIO]:
        """The bytes of `entry`."""
        try:
            with self._paths[entry.path].open("rb") as stream:
                yield stream
        except OSError as error:
            raise UsageProblem(f"{self._paths[entry.path]} cannot be read: {error.strerror}.") from error

    def check_unchanged(self) -> None:
        """Compare sizes and times with those at the start."""
        for name, path in self._paths.items():
            if file_state(path) != self._state[name]:
                raise _changed(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class ZipContainer:
    """Files in a zip archive (zip64 included), never unpacked to disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = file_state(path)
        try:
            count = entry_count(path)
        except OSError as error:
            raise UsageProblem(f"{path} cannot be read: {error.strerror}.") from error
        if count > MAX_ENTRIES:
            raise UsageProblem(f"{path} has {count:,} entries; more than {MAX_ENTRIES:,} are not read.")
        try:
            self._zip = zipfile.ZipFile(path)
        except (*_DAMAGE, NotImplementedError) as error:
            raise UsageProblem(f"{path} is not a whole zip archive: {error}. Copy or build it again.") from error
        try:
            self._infos = {info.filename: info for info in self._zip.infolist() if not info.filename.endswith("/")}
            self.entries = tuple(_entry(info) for info in self._infos.values())
            self.packed_size = self._state[0]
            self._check()
        except BaseException:
            self._zip.close()
            raise

    def _check(self) -> None:
        infos = self._zip.infolist()
        if len({info.filename for info in infos}) != len(infos):
            raise UsageProblem(f"{self._path} has two entries of one name; tools disagree which of them counts.")
        for info in infos:
            _check_name(info.orig_filename, self._path)
            if info.flag_bits & 0x1:
                raise UsageProblem(
                    f"{self._path}: {info.filename!r} is encrypted. Give the archive without encryption."
                )
        packed, size = (sum(getattr(entry, field) for entry in self.entries) for field in ("packed", "size"))
        if packed > self.packed_size:
            raise UsageProblem(
                f"{self._path}: its entries overlap or are cut off: they claim {packed:,} bytes "
                f"of an archive of {self.packed_size:,}."
            )
        if size > max(HARMLESS_BYTES, MAX_RATIO * self.packed_size):
            raise UsageProblem(
                f"{self._path} looks like a zip bomb: {self.packed_size:,} bytes unpack to {size:,}. It is not read."
            )

    @contextlib.contextmanager
    def open(self, entry: Entry) -> Iterator[BinaryIO]:
        """The inflated bytes of `entry`; the checksum is verified at its end."""
        try:
            with self._zip.open(self._infos[entry.path]) as stream:
                yield stream  # type: ignore[misc]  # ZipExtFile is IO[bytes]
        except NotImplementedError as error:
            raise UsageProblem(
                f"{self._path}: {entry.path!r} is compressed in a way that is not read: {error}."
            ) from error
        except _DAMAGE as error:
            raise UsageProblem(f"{self._path}: {entry.path!r} is damaged: {error}. Copy or build it again.") from error

    def data_offset(self, entry: Entry) -> int:
        """Where the bytes of `entry` begin in the archive, behind its own header (APPNOTE 4.3.7)."""
        try:
            return behind_header(self._path, self._infos[entry.path].header_offset)
        except _DAMAGE as error:
            raise UsageProblem(f"{self._path}: {entry.path!r} is damaged: {error}. Copy or build it again.") from error

    def check_unchanged(self) -> None:
        """Compare the archive's size and time with those at the start."""
        if file_state(self._path) != self._state:
            raise _changed(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()


def file_state(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in ns of a regular file.

    Raises:
        UsageProblem: it is not there, cannot be read, or is not a regular file.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{path}: {getattr(error, 'strerror', None) or error}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise UsageProblem(f"{path} is not a regular file.")
    return found.st_size, found.st_mtime_ns


def _entry(info: zipfile.ZipInfo) -> Entry:
    methods: dict[int, Literal["stored", "deflated"]] = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}
    return Entry(
        path=info.filename,
        size=info.file_size,
        packed=info.compress_size,
        method=methods.get(info.compress_type, "other"),
        crc=info.CRC,
    )


def _check_name(name: str, where: Path) -> None:
    if not name.strip("/\\"):
        raise UsageProblem(f"{where} has an entry without a name. Copy or build it again.")
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or (parts and parts[0].endswith(":")):
        raise UsageProblem(f"{where} has an entry that would leave its folder: {name!r}. It is not read.")


def _folder_state(folder: Path) -> dict[str, tuple[int, int]]:
    """Relative path -> (bytes, ns) of every regular file under `folder`, sorted."""
    root = folder.resolve()
    state: dict[str, tuple[int, int]] = {}
    waiting = [(folder, 0)]
    while waiting:
        current, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise UsageProblem(f"{current} lies more than {MAX_DEPTH} folders deep; it is not read.")
        try:
            with os.scandir(current) as found:
                entries = list(found)
        except OSError as error:
            raise UsageProblem(f"{current} cannot be listed: {error.strerror}.") from error
        for entry in entries:
            path = Path(entry.path)
            if entry.is_symlink():
                _check_link(path, root)
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((path, depth + 1))
            else:
                state[path.relative_to(folder).as_posix()] = file_state(path)
        if len(state) > MAX_ENTRIES:
            raise UsageProblem(f"{folder} has more than {MAX_ENTRIES:,} files; it is not read.")
    return dict(sorted(state.items()))


def _check_link(link: Path, root: Path) -> None:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise UsageProblem(f"{link} is a link to nothing, or to itself. Remove it.") from error
    if not target.is_relative_to(root):
        raise UsageProblem(f"{link} is a link that leaves the folder. Put the file itself there.")


def _changed(path: Path) -> UsageProblem:
    return UsageProblem(f"{path} changed while it was read. Measure again when nothing writes to it.")
