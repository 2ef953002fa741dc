"""Standard output and error that outlive their readers: `| head -1`, `>&-` and a full disk change no verdict."""

import io
import os
import sys
from typing import Any


class _Outlet(io.RawIOBase):
    """A descriptor; once its reader is gone, what is written is dropped and the command goes on to its own exit code.

    Args:
        descriptor: of the stream.
        called: what to call it when it cannot be written.
    """

    def __init__(self, descriptor: int, called: str) -> None:
        super().__init__()
        self.descriptor = descriptor
        self.called = called
        self.lost = False

    def writable(self) -> bool:
        """As every outlet."""
        return True

    def fileno(self) -> int:
        """The descriptor."""
        return self.descriptor

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return os.isatty(self.descriptor)

    def write(self, data: Any) -> int:
        """Write some of `data`; gives how many bytes.

        Raises:
            OSError: it cannot be written, with the stream's name as the file name; later writes are dropped.
        """
        if self.lost:
            return len(data)
        try:
            return os.write(self.descriptor, data)
        except BrokenPipeError:
            self.lost = True
            return len(data)
        except OSError as error:
            self.lost = True
            raise OSError(error.errno, error.strerror, self.called) from error


def steady_streams() -> None:
    """Put outlets in the place of the interpreter's streams; a closed one writes to nowhere."""
    _open_closed_descriptors()
    sys.stdout = _steady(sys.stdout, sys.__stdout__, 1, "standard output")
    sys.stderr = _steady(sys.stderr, sys.__stderr__, 2, "standard error")


def _open_closed_descriptors() -> None:
    """A file opened later must not get the number of a closed stream: libraries print there."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def _steady(current: Any, original: Any, descriptor: int, called: str) -> Any:
    if current is not original:  # a test's own, or steady already
        return current
    if current is None:
        return io.TextIOWrapper(io.BufferedWriter(_Outlet(descriptor, called)), "utf-8", "backslashreplace")
    current.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Outlet(descriptor, called)),
        current.encoding,
        current.errors,
        line_buffering=current.line_buffering,
        write_through=current.write_through,
    )
