"""Whether a file lies in the page cache, and putting it out of it: Linux only."""

import contextlib
import ctypes
import mmap
import os
from pathlib import Path


def drop_from_page_cache(path: Path) -> None:
    """Ask the kernel to forget the pages of a file; what another process has mapped, and what lies in memory, stays."""
    if not hasattr(os, "posix_fadvise"):
        return
    with path.open("rb") as file:
        with contextlib.suppress(OSError):  # a file system that cannot: then `share_in_page_cache` shows it
            os.fdatasync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def share_in_page_cache(path: Path) -> float | None:
    """The part of a file's pages that lie in the page cache, in [0, 1]; None where that is not told.

    Source: mincore(2). Of a file that the user may not write, the kernel tells every page as present.
    """
    size = path.stat().st_size if path.is_file() else 0
    if not size or not os.access(path, os.W_OK):
        return None
    try:
        mincore = ctypes.CDLL(None, use_errno=True).mincore
    except AttributeError:
        return None
    pages = -(-size // mmap.PAGESIZE)
    told = (ctypes.c_ubyte * pages)()
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size) as mapped:
        first = (ctypes.c_char * 0).from_buffer(mapped)
        failed = mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), told)
        del first
    return None if failed else sum(page & 1 for page in told) / pages
