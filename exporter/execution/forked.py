"""A copy of this process: what is loaded here is there too, at once and in the same memory."""

import gc
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from exporter.execution.heavy import quiet
from exporter.execution.threads import keep_to

_POLL_S = 0.002


def can_fork() -> bool:
    """Whether a copy of this process works as this one does.

    macOS ends copies in its own libraries, and TensorFlow waits in one for threads that only the first process has.
    """
    return sys.platform == "linux" and "tensorflow" not in sys.modules


class Forked:
    """A running copy, in a process group of its own; it ends when this process does, however that comes."""

    def __init__(self, work: Callable[[], None], cores: int = 1) -> None:
        """Start `work` in a copy, which ends with it and keeps to so many cores."""
        held, self._held = os.pipe()
        self._lock = threading.Lock()
        self._code: int | None = None
        with warnings.catch_warnings():
            # Python warns of threads, which are not copied: those of OpenMP, for which see `_carry_out`.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            gc.freeze()  # a collection writes to what it looks at, whose memory would then be copied
            os.close(self._held)
            _carry_out(work, held, cores)
        os.close(held)

    def poll(self) -> int | None:
        """The return code when it has ended, minus the signal where one ended it; else None."""
        return self._waited(os.WNOHANG)

    def close(self) -> None:
        """End it where it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError, PermissionError):  # before it has made its group
                os.killpg(self.pid, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._waited(0)
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def _waited(self, how: int) -> int | None:
        with self._lock:
            if self._code is None:
                try:
                    pid, status = os.waitpid(self.pid, how)
                except ChildProcessError:  # a program that ignores SIGCHLD has no children to wait for; as subprocess
                    pid, status = self.pid, 0
                self._code = os.waitstatus_to_exitcode(status) if pid else None
            return self._code


def fatal_signal(work: Callable[[], object], patience_s: float = 20.0) -> str | None:
    """What ends a copy of this process that does `work`, such as "Aborted": so it would have ended this one.

    Args:
        work: may raise whatever it likes, which is another matter; it must not use TensorFlow (`can_fork`).
        patience_s: a copy that takes longer tells nothing, and is ended.

    Returns:
        None where no signal ends it, and where no copy can be made: not on Linux.
    """
    if sys.platform != "linux":
        return None
    copy, deadline = Forked(lambda: _do(work)), time.monotonic() + patience_s
    try:
        while (code := copy.poll()) is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    finally:
        copy.close()
    return signal.strsignal(-code) if code is not None and code < 0 else None


def _do(work: Callable[[], object]) -> None:
    with suppress(Exception):
        work()


def _carry_out(work: Callable[[], None], held: int, cores: int) -> NoReturn:
    """In a thread of its own: a thread that used OpenMP before the copy waits for helpers that are not copied.

    Source: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=52303 (libgomp and fork).
    """
    code = 1

    def carry_out() -> None:
        nonlocal code
        keep_to(cores)
        with quiet():
            try:
                work()
                code = 0
            except BaseException:  # noqa: BLE001 - as an interpreter ends
                traceback.print_exc()

    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        threading.Thread(target=end_with_the_starter, args=(held,), daemon=True).start()
        worker = threading.Thread(target=carry_out)
        worker.start()
        worker.join()
    finally:
        os._exit(code)


def end_with_the_starter(held: int) -> None:
    """End this process and its group when the process that holds the other end of the pipe `held` ends."""
    while os.read(held, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)
