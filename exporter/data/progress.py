"""Progress of long work, as the use cases report it; the command line decides how to show it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Advance = Callable[[int, int], None]


class Progress(Protocol):
    """Shows what is being done."""

    def stage(self, text: str) -> AbstractContextManager[Advance]:
        """Enter a stage; call what it gives with (done, total) when that is known."""

    def note(self, text: str) -> None:
        """A sentence worth keeping on the screen."""


class Silent:
    """Shows nothing."""

    def stage(self, text: str) -> AbstractContextManager[Advance]:
        """Ignore the stage."""
        return nullcontext(lambda done, total: None)

    def note(self, text: str) -> None:
        """Ignore the sentence."""
