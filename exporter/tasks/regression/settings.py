"""How the outputs of a regressor are read."""

from typing import Literal

from exporter.data.settings.task import TaskSettings


class Regression(TaskSettings):
    """Numbers.

    Attributes:
        output: name of the numbers, of any shape; the first output where it is empty.
    """

    kind: Literal["regression"] = "regression"
    output: str = ""


SETTINGS = Regression
