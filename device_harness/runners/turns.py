"""Processes of several models take turns on a device, by numbers in a file that they share.

What slows the device for a while slows all of them, and falls out of the ratio of two turns that followed each other.
The file, which the first process makes, holds numbers of 32 bits: how many turns are over, and of each process
whether it is there (1) and has no more to do (2). Turn `t` of `n` is that of process (t mod n + t div n) mod n,
so that each comes first in its turn; who is done is passed over. `device_harness/native/turns.c` does it in C.
"""

import mmap
import os
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

SLICE_S = 0.015
"""Of a turn, which holds one inference or more: short against what lasts of other work on the machine."""

ARRIVED, DONE = 1, 2
POLL_S = 0.0005


class Turns(NamedTuple):
    """One process's part.

    Attributes:
        number: of the process, from 0.
        processes: how many there are.
        slice_s: least length of a turn.
        file: on the device; no earlier one.
    """

    number: int
    processes: int
    slice_s: float
    file: str

    def argument(self) -> str:
        """As it is typed."""
        return f"{self.number},{self.processes},{self.slice_s:g},{self.file}"

    @classmethod
    def parse(cls, text: str) -> "Turns":
        """The part that `argument` gave."""
        number, processes, slice_s, file = text.split(",", 3)
        return cls(int(number), int(processes), float(slice_s), file)


class Taking(Protocol):
    """How a process takes its turns."""

    def wait(self) -> None:
        """Until it is this process's turn.

        Raises:
            RuntimeError: the others take too long.
        """
        ...

    def pass_on(self) -> None:
        """The turn is over."""
        ...

    def leave(self) -> None:
        """Take no more, and wait until nobody does: what is done then disturbs no other."""
        ...


class Alone:
    """Implements `Taking` for a process that has no other beside it."""

    def wait(self) -> None:
        """It always is."""

    def pass_on(self) -> None:
        """To nobody."""

    def leave(self) -> None:
        """Nothing to leave."""


class SharedTurns:
    """Implements `Taking` by the file."""

    def __init__(self, turns: Turns, limit_s: float) -> None:
        """Tell the others that this process is there."""
        self._turns, self._limit_s = turns, limit_s
        size = 4 * (1 + turns.processes)
        descriptor = os.open(turns.file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, size)
            self._cells = memoryview(mmap.mmap(descriptor, size)).cast("i")
        finally:
            os.close(descriptor)
        self._cells[1 + turns.number] = ARRIVED

    def wait(self) -> None:
        """See `Taking.wait`."""
        self._await(lambda: self._all(ARRIVED) and self._owner(self._cells[0]) == self._turns.number)

    def pass_on(self) -> None:
        """To the next one that is not done."""
        if self._all(DONE):
            return
        turn = self._cells[0] + 1
        while self._cells[1 + self._owner(turn)] == DONE:
            turn += 1
        self._cells[0] = turn

    def leave(self) -> None:
        """See `Taking.leave`."""
        self._cells[1 + self._turns.number] = DONE
        self.pass_on()
        self._await(lambda: self._all(DONE))

    def _owner(self, turn: int) -> int:
        return (turn % self._turns.processes + turn // self._turns.processes) % self._turns.processes

    def _all(self, state: int) -> bool:
        return all(cell >= state for cell in self._cells[1:])

    def _await(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + self._limit_s
        while not holds():
            if time.monotonic() > end:
                raise RuntimeError(f"the processes that take turns with this one took over {self._limit_s:g} s")
            time.sleep(POLL_S)
