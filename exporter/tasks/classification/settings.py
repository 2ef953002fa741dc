"""How the outputs of a classifier are read."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from exporter.data.settings.task import Resize, TaskSettings


class Classification(TaskSettings):
    """One class an example.

    Attributes:
        output: name of the scores, (N, classes); the first output where it is empty.
        scores: what they are: logits, or probabilities that add up to 1.
        bins: of confidence, in which the calibration error is measured.
    """

    resize: ClassVar[Resize] = "crop"

    kind: Literal["classification"] = "classification"
    output: str = ""
    scores: Literal["logits", "probabilities"] = "logits"
    bins: Annotated[int, Field(ge=1)] = 15

    @property
    def ranked(self) -> str:
        """The scores."""
        return self.output


SETTINGS = Classification
