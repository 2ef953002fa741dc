"""How the outputs of a text model are read."""

from typing import Literal, Self

from pydantic import model_validator

from exporter.data.settings.task import TaskSettings

Entities = Literal["iob", "bioes"]
PREFIXES: dict[Entities, str] = {"iob": "BI", "bioes": "BIES"}
"""Letters that names of classes of tokens in entities begin with."""


class Text(TaskSettings):
    """Classes of texts or tokens, or the next token.

    Attributes:
        output: name of the scores: (N, classes) of ``texts``, (N, length, classes) else; the first where it is empty.
        scores: what they are of: whole ``texts``, each of the ``tokens``, or the ``next`` token (a language model,
            whose labels are the tokens themselves).
        ignore: label of tokens that do not count.
        not_named: classes that F1 leaves out, such as that of tokens which are no name.
        entities: how the class names of ``tokens`` mark what is one name, so that F1 of whole names is measured too:
            ``iob`` is B-TYPE and I-TYPE (IOB1 and IOB2), ``bioes`` has E-TYPE and S-TYPE as well; O is outside.
    """

    kind: Literal["text"] = "text"
    output: str = ""
    scores: Literal["texts", "tokens", "next"] = "texts"
    ignore: int = -100
    not_named: tuple[int, ...] = ()
    entities: Entities | None = None

    @model_validator(mode="after")
    def _of_tokens(self) -> Self:
        if self.entities is not None and self.scores != "tokens":
            raise ValueError(f'entities are spans of tokens: give scores = "tokens", which is "{self.scores}"')
        return self


SETTINGS = Text
