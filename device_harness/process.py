"""The only place that starts a process: without a shell, in a group of its own, with a time limit."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from device_harness.errors import CommandFailedError, CommandTimeoutError, ToolMissingError
from device_harness.facts import CommandResult
from device_harness.words import decode

GRACE_S = 2.0
# Those that were started and not closed.
_open: "weakref.WeakSet[Process]" = weakref.WeakSet()


def find_program(name: str, advice: str) -> str:
    """The path of the program `name` on this machine.

    Raises:
        ToolMissingError: it is not on PATH; `advice` says how to install it.
    """
    path = shutil.which(name)
    if path is None:
        raise ToolMissingError(f"{name} is not installed. {advice}")
    return path


def run(
    command: Sequence[str],
    *,
    timeout_s: float,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> CommandResult:
    """Run `command` to its end and return both streams.

    Args:
        command: program and arguments; nothing is interpreted by a shell.
        timeout_s: after this time the whole process group is killed.
        stdin: what it reads.
        env: added to this process's environment.
        cwd: folder to run in.

    Raises:
        CommandTimeoutError: it took longer than `timeout_s`.
        ToolMissingError: there is no such program.
    """
    with Process(command, stdin=stdin, env=env, cwd=cwd) as process:
        return process.wait(timeout_s)


def kill_all() -> None:
    """End every process that is still open, whichever thread waits for it: for Ctrl-C."""
    for process in list(_open):
        process.kill()


class Process:
    """A process of this machine that was started in its own process group; streams go to unnamed files."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        hold_stdin: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start.

        Args:
            command: program and arguments.
            stdin: what it reads.
            hold_stdin: give it a standard input that has nothing and ends when this process closes it or dies.
            env: added to this process's environment.
            cwd: folder to run in.
        """
        self.command = tuple(command)
        self._files: list[IO[bytes]] = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115 - see close()
        self._files[0].write(stdin)
        self._files[0].seek(0)
        self._began = time.monotonic()
        try:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE if hold_stdin else self._files[0],
                stdout=self._files[1],
                stderr=self._files[2],
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            self._close_files()
            raise ToolMissingError(f"{self.command[0]} cannot be started: {error.strerror}.") from error
        except ValueError as error:
            # Python's own check: no system passes a NUL byte on to a program.
            self._close_files()
            raise CommandFailedError(f"{self.command[0]!r} cannot be started: {error} in its arguments.") from error
        self.pid = self._popen.pid
        _open.add(self)

    def poll(self) -> int | None:
        """The return code when it has ended, else None."""
        return self._popen.poll()

    def wait(self, timeout_s: float) -> CommandResult:
        """Its result; at the end of `timeout_s` its group is killed and `CommandTimeoutError` raised."""
        try:
            code = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            self.kill()
            told = self.errors_so_far().strip()[-500:]
            raise CommandTimeoutError(
                f"{self.command[0]} did not end within {timeout_s:g} s and was killed."
                + (f" Its last words: {told}" if told else "")
            ) from error
        try:
            stdout, stderr = self._read(1), self._read(2)
        except ValueError as error:  # closed in another thread: its session is over
            raise CommandFailedError(f"{self.command[0]} was ended with its session.") from error
        return CommandResult(
            command=self.command,
            returncode=code,
            stdout=stdout,
            stderr=stderr,
            duration_s=time.monotonic() - self._began,
        )

    def output_so_far(self) -> str:
        """Standard output until now."""
        return decode(self._read(1))

    def errors_so_far(self) -> str:
        """Standard error until now."""
        return decode(self._read(2))

    def kill(self) -> None:
        """End the whole process group: first asked to, then without asking."""
        for number, patience in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, GRACE_S)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(patience)
                if number == signal.SIGKILL or not self._group_lives():
                    return

    def close(self) -> None:
        """Kill what still runs and free the streams. No error when closed already."""
        if self._files[0].closed:
            return
        _open.discard(self)
        if self._popen.poll() is None or self._group_lives():
            self.kill()
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        self._close_files()

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _group_lives(self) -> bool:
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _read(self, stream: int) -> bytes:
        # A duplicate shares the file's offset with the process, which may still write: read by position instead.
        descriptor = self._files[stream].fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)

    def _close_files(self) -> None:
        for file in self._files:
            file.close()
