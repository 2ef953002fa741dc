"""Workers, and the processes that they fork: one for each conversion, with limits of time and memory."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_S = 0.25
TAIL = 300


@dataclass(frozen=True)
class Limits:
    """What a conversion may use."""

    seconds: float
    memory_bytes: int


@dataclass(frozen=True)
class Ended:
    """How a conversion ended.

    Attributes:
        trouble: why there is no result; empty where it ended by itself and well.
        seconds: imports left out.
        peak_bytes: resident memory of the process and its children, imports included.
    """

    trouble: str
    seconds: float
    peak_bytes: int


class Worker:
    """A worker, started with the first conversion, so that heavy libraries are imported once."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = list(command), dict(environment)
        self._process: subprocess.Popen[str] | None = None

    def convert(self, request: Mapping[str, str], limits: Limits) -> Ended:
        """Have a process forked for `request` and wait for its end, or end it at a limit.

        Raises:
            RuntimeError: the worker cannot be started.
        """
        process = self._started()
        started = time.monotonic()
        self._say(process, json.dumps(dict(request)))
        child = int(self._answer(process))
        trouble, peak = self._watched(process, child, started, limits)
        code = int(self._answer(process))
        if not trouble and code:
            trouble = _crash(code, Path(request["log"]))
        return Ended(trouble, time.monotonic() - started, peak)

    def close(self) -> None:
        """End the worker, which has nothing more to do."""
        if self._process is not None:
            self._process.communicate()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
            )
            self._answer(self._process)
        return self._process

    def _say(self, process: subprocess.Popen[str], line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()

    def _answer(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker {' '.join(self._command)} ended with {process.wait()}")
        return line.strip()

    def _watched(self, process: subprocess.Popen[str], child: int, started: float, limits: Limits) -> tuple[str, int]:
        """Why the child was ended, and its peak memory."""
        peak = 0
        assert process.stdout is not None
        while not select.select([process.stdout], [], [], POLL_S)[0]:
            peak = max(peak, _resident(child))
            trouble = _beyond(peak, time.monotonic() - started, limits)
            if trouble:
                os.killpg(child, signal.SIGKILL)
                return trouble, peak
        return "", peak


def _beyond(peak: int, seconds: float, limits: Limits) -> str:
    if peak > limits.memory_bytes:
        return f"took more than {limits.memory_bytes / 1e9:.0f} GB"
    return f"took longer than {limits.seconds:.0f} s" if seconds > limits.seconds else ""


def _resident(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        return sum(item.memory_info().rss for item in (parent, *parent.children(recursive=True)))
    except psutil.NoSuchProcess:  # it or a child has just ended
        return 0


def _crash(code: int, log: Path) -> str:
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
    said = " ".join(log.read_text(errors="replace").split())[-TAIL:]
    return f"the process {how}: {said}"
