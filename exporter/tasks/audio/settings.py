"""How the outputs of a sound classifier are read."""

from typing import Literal

from exporter.data.settings.task import TaskSettings


class Audio(TaskSettings):
    """A class a clip.

    Attributes:
        output: name of the scores, (N, classes), or (N, 1) or (N, 2) of ``binary``; the first where it is empty.
        scores: of one of several ``classes``; or ``binary``, of a wake word or of the right speaker: class 1 is it.
        threshold: of the one score of ``binary``; the difference of two is held against 0.
    """

    kind: Literal["audio"] = "audio"
    output: str = ""
    scores: Literal["classes", "binary"] = "classes"
    threshold: float = 0.0


SETTINGS = Audio
