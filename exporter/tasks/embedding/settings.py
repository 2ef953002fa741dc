"""How the outputs of an embedding model are read."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.data.settings.task import TaskSettings


class Embedding(TaskSettings):
    """A vector an example.

    Attributes:
        output: name of the vectors, (N, size); the first output where it is empty.
        nearest: neighbours that recall looks at.
        false_accepts: share of pairs of different identities that verification may take for the same.
    """

    kind: Literal["embedding"] = "embedding"
    output: str = ""
    nearest: Annotated[int, Field(ge=1)] = 1
    false_accepts: Annotated[float, Field(gt=0, lt=1)] = 1e-3


SETTINGS = Embedding
