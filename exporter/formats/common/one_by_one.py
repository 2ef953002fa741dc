"""Runners of artifacts that gain nothing from several batches at once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from exporter.formats.artifact_runner import Call

Arrays = Sequence[NDArray[Any]]


class OneByOne(ABC):
    """Implements `ArtifactRunner.many` by running each batch on its own."""

    together = 1

    @abstractmethod
    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch."""

    def begin(self) -> Call:
        """Itself: it keeps nothing from call to call."""
        return self

    def many(self, batches: Sequence[Arrays]) -> list[list[NDArray[Any]]]:
        """Outputs for each of `batches`."""
        return [self(inputs) for inputs in batches]
