"""What runs an artifact beside its source: here, or by what a device computed."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray


Call = Callable[["Sequence[NDArray[Any]]"], "list[NDArray[Any]]"]
"""Gives outputs for a batch."""


class ArtifactRunner(Protocol):
    """Runs an artifact on arrays as its source takes them, and gives arrays as the source gives them.

    Several threads may call it at once.

    Attributes:
        name: what runs it, with its version.
        takes_pictures: whether an input holds whole pixels, so that the source must be given the same.
        together: how many batches it is best given at once.
    """

    name: str

    @property
    def together(self) -> int:
        """See the class."""
        ...

    @property
    def takes_pictures(self) -> bool:
        """See the class."""
        ...

    def __call__(self, inputs: "Sequence[NDArray[Any]]") -> "list[NDArray[Any]]":
        """Outputs for a batch."""
        ...

    def begin(self) -> Call:
        """What runs one sequence, call after call: an artifact that keeps states keeps them from each to the next."""
        ...

    def many(self, batches: "Sequence[Sequence[NDArray[Any]]]") -> "list[list[NDArray[Any]]]":
        """Outputs for each of `batches`, as if it were given alone but for the rounding of sums."""
        ...


class Answered(ArtifactRunner, Protocol):
    """Runs an artifact by outputs that were computed elsewhere of the same examples, with the same conversions."""

    def encoded(self, inputs: "Sequence[NDArray[Any]]") -> "dict[str, NDArray[Any]]":
        """The artifact's own inputs for a batch, by the names that its runner on devices knows.

        Raises:
            ToolError: the runner on devices does not take them.
        """
        ...

    def computed_here(self, inputs: "Sequence[NDArray[Any]]") -> "dict[str, NDArray[Any]]":
        """The artifact's own outputs on this machine, by name."""
        ...

    def learn(self, inputs: "Sequence[NDArray[Any]]", outputs: "Mapping[str, NDArray[Any]]") -> None:
        """What was computed of a batch, by name.

        Raises:
            ToolError: an output is missing.
        """
        ...
