"""How the outputs of a classifier are read."""

from typing import ClassVar, Literal

from exporter.data.settings.task import Resize, TaskSettings


class Classification(TaskSettings):
    """One class an example.

    Attributes:
        output: name of the scores; the first output where it is empty.
        scores: what they are: logits, or probabilities that add up to 1.
    """

    resize: ClassVar[Resize] = "crop"
    ranks: ClassVar[bool] = True

    kind: Literal["classification"] = "classification"
    output: str = ""
    scores: Literal["logits", "probabilities"] = "logits"


SETTINGS = Classification
