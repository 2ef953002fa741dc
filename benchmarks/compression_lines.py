"""Progress of the compression benchmarks: a line now and then, for logs of runs that take hours."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.data.progress import Advance

SECONDS_APART = 30


class Lines:
    """Says how far each stage is, now and then."""

    def __init__(self, name: str) -> None:
        self.name = name

    @contextmanager
    def stage(self, text: str) -> Iterator[Advance]:
        """A line every half minute."""
        last = time.monotonic()

        def advance(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last > SECONDS_APART:
                last = time.monotonic()
                self.note(f"{text}: {done / total:.0%}")

        yield advance

    def note(self, text: str) -> None:
        """The sentence after the row's name."""
        print(f"{self.name}: {text}", flush=True)
