"""What a user says of the task that a model does; each task says how its outputs are read in its own settings."""

from typing import ClassVar, Literal

from exporter.data.base import Frozen

Resize = Literal["crop", "stretch", "letterbox"]

SURE = 0.3
"""Score from which an object counts as one that a detector is sure of, where the user says no other."""


class TaskSettings(Frozen):
    """What every task's table says.

    Attributes:
        kind: name of the task.
        resize: how images of another size are fitted where the user does not say.
    """

    kind: str
    resize: ClassVar[Resize] = "stretch"

    @property
    def ranked(self) -> str | None:
        """Name of the output that is a score a class, so that their order is compared too; "" for the first."""
        return None

    @property
    def files(self) -> tuple[str, ...]:
        """Files that are read with the outputs."""
        return ()

    @property
    def functions(self) -> tuple[str, ...]:
        """Functions of the user's own that are called."""
        return ()

    def names(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The classes that predictions and truths count, of the names of the outputs."""
        return labels
