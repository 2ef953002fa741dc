"""Which function of the user's measures what."""

from typing import Literal, Self

from pydantic import model_validator

from exporter.data.settings.task import TaskSettings


class Custom(TaskSettings):
    """Numbers that a function of the user's own gives.

    Attributes:
        function: ``package.module:name`` or ``file.py:name``. It is called with the source's outputs, the artifact's
            outputs and the labels, and gives a number a name; see docs/tasks.md.
        higher: names of its numbers of which more is better; the first of all is what reports lead with.
        lower: names of its numbers of which less is better.
    """

    kind: Literal["custom"] = "custom"
    function: str
    higher: tuple[str, ...] = ()
    lower: tuple[str, ...] = ()

    @property
    def functions(self) -> tuple[str, ...]:
        """The one that measures."""
        return (self.function,)

    @property
    def names_of_numbers(self) -> tuple[str, ...]:
        """What the function gives."""
        return (*self.higher, *self.lower)

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if not self.names_of_numbers:
            raise ValueError("say which numbers the function gives: higher = [...], lower = [...]")
        twice = sorted({name for name in self.names_of_numbers if self.names_of_numbers.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)}: a number is named once, in higher or in lower")
        return self


SETTINGS = Custom
