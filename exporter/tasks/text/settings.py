"""How the outputs of a text model are read."""

from typing import Literal

from exporter.data.settings.task import TaskSettings


class Text(TaskSettings):
    """Classes of texts or tokens, or the next token.

    Attributes:
        output: name of the scores: (N, classes) of ``texts``, (N, length, classes) else; the first where it is empty.
        scores: what they are of: whole ``texts``, each of the ``tokens``, or the ``next`` token (a language model,
            whose labels are the tokens themselves).
        ignore: label of tokens that do not count.
        not_named: classes that F1 leaves out, such as that of tokens which are no name.
    """

    kind: Literal["text"] = "text"
    output: str = ""
    scores: Literal["texts", "tokens", "next"] = "texts"
    ignore: int = -100
    not_named: tuple[int, ...] = ()


SETTINGS = Text
