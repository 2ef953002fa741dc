"""How apps carry artifacts of a format, and what stores make of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Codec = Literal["gzip", "lzfse"]


@dataclass(frozen=True)
class Compilation:
    """What a store's tools make of an artifact before they ship it.

    Attributes:
        suffix: of the compiled model.
        unshipped: files of the artifact that are not compiled.
        program: suffix of the file in the artifact that the program's text is made from.
        records: files that the compiler writes beside the weights.
        record_bytes: about the size of each.
        words: how the compiled sizes are told, as a clause.
        compile: compiles an artifact into a folder; gives None where this machine cannot.
    """

    suffix: str
    unshipped: tuple[str, ...]
    program: str
    records: int
    record_bytes: int
    words: str
    compile: Callable[[Path, Path], Path | None]


@dataclass(frozen=True)
class Packing:
    """How apps carry artifacts of a format.

    Attributes:
        folders: suffixes of artifacts that are folders.
        codec: what a store compresses them with.
        mapped: whether the runtime maps the file into memory, so that an APK must not deflate it.
        identifier: bytes from the fourth byte of the file on, by which it is known under any name; empty for none.
        check_bytes: raises `Damage` when a file's content is cut off; None where the names of files are needed.
        beside: gives the files beside one that hold its weights.
        compilation: None where the file is shipped as it is.
    """

    folders: tuple[str, ...] = ()
    codec: Codec = "gzip"
    mapped: bool = False
    identifier: bytes = b""
    check_bytes: Callable[[memoryview], None] | None = None
    beside: Callable[[Path], Sequence[Path]] = lambda path: ()
    compilation: Compilation | None = None

    @property
    def all_folders(self) -> tuple[str, ...]:
        """Suffixes of artifacts that are folders, and of what they are compiled to."""
        return self.folders if self.compilation is None else (*self.folders, self.compilation.suffix)
