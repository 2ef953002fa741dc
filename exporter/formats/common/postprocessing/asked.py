"""What is written into an artifact behind the model: decoding of its head, suppression of its boxes."""

from dataclasses import dataclass
from pathlib import Path

from exporter.data.facts.source import InputSpec, SourceDescription
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.suppression import Suppression


@dataclass(frozen=True)
class Postprocessing:
    """What an artifact shall give for what it gives now.

    Attributes:
        description: of the artifact that is made: the inputs of the model, the outputs that remain, class names.
        settings: what the user said of the model.
        decoder: an artifact of the same format, without compression, that takes outputs of the model and gives boxes
            (1, N, 4) of corners and scores (1, N, classes); None where the model itself gives these two.
        wires: names of outputs of the model, one for each input of the decoder.
        suppression: None leaves boxes and scores.
    """

    description: SourceDescription
    settings: ModelSettings
    decoder: Path | None = None
    wires: tuple[str, ...] = ()
    suppression: Suppression | None = None

    @property
    def image(self) -> InputSpec:
        """The input that holds the picture."""
        return next(spec for spec in self.description.inputs if spec.image is not None)
