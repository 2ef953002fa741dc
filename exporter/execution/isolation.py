"""One target's trouble is its own: work whose every failure becomes a sentence and an exit code, and loses no other."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from exporter.data.errors import code_of, is_fault, sentence_of
from exporter.execution.interrupts import interrupted

LOGGER = logging.getLogger("exporter")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Trouble:
    """Why a piece of work could not be done.

    Attributes:
        sentence: for the user.
        exit_code: 2 where the user's input is wrong, 3 where a tool or this program failed.
    """

    sentence: str
    exit_code: int

    @property
    def reason(self) -> str:
        """The sentence on one line, for a verdict."""
        return "; ".join(self.sentence.split("\n"))


def told(troubles: Iterable[Trouble]) -> str | None:
    """All sentences, one a line; None when there were no troubles."""
    return "\n".join(dict.fromkeys(trouble.sentence for trouble in troubles)) or None


def hardest(troubles: Iterable[Trouble]) -> int:
    """The exit code: of a failed tool (3) over wrong input (2); 0 when there were no troubles."""
    return max((trouble.exit_code for trouble in troubles), default=0)


def attempt(work: Callable[[], Value], *, faults_only: bool = False) -> Value | Trouble:
    """What `work` gives, or why it could not be done; a library that exits or panics is no exception to that.

    Args:
        faults_only: let the errors pass that this package raises on purpose.

    Raises:
        KeyboardInterrupt: the user pressed Ctrl-C, whatever a library made of it.
    """
    try:
        return work()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if interrupted():
            raise KeyboardInterrupt from error
        if faults_only and not is_fault(error):
            raise
        LOGGER.debug("the traceback of this error:", exc_info=error)
        if isinstance(error, SystemExit):
            return Trouble(f"a library ended the program (SystemExit: {error.code}).", 3)
        return Trouble(sentence_of(error), code_of(error))
