"""What a format knows of apps that run its artifacts: their runtime, the code that calls it, the same runtime here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from exporter.data.facts.handoff import Language

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Port:
    """An input or output of an artifact, as a runtime names it.

    Attributes:
        shape: with every dimension known.
        scale: of integers that stand for real numbers; 0 for all others.
        is_picture: whether the system takes a picture there, whose bytes are (1, height, width, channels).
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float = 0.0
    zero_point: int = 0
    is_picture: bool = False


class OwnRuntime(Protocol):
    """An artifact, called as an app calls it: with its own tensors, and nothing of its source.

    Attributes:
        name: of the runtime, with its version.
        inputs: in the order of the artifact's inspection.
        outputs: likewise.
        labels: class names inside the file; empty where it has none.
    """

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    labels: tuple[str, ...]

    def __call__(self, inputs: "Sequence[NDArray[Any]]") -> "list[NDArray[Any]]":
        """Its outputs for its inputs.

        Raises:
            ToolError: it does not run.
        """
        ...


@dataclass(frozen=True)
class AppRuntime:
    """What an app links and calls, in one language.

    Attributes:
        title: in sentences.
        place: Gradle coordinates without the version, or address of a Swift package; empty for a part of the system.
        product: of the Swift package.
        version: to depend on.
        license: its SPDX identifier.
        engine: template of the code that calls it.
        jvm: Gradle coordinates of a build for desktop Java, with which the unit test runs the artifact itself; empty
            where there is none.
    """

    title: str
    place: str
    version: str
    license: str
    engine: Path
    product: str = ""
    jvm: str = ""


class HandoffSupport(Protocol):
    """What `handoff` asks of a format."""

    @property
    def apps(self) -> Mapping[Language, AppRuntime]:
        """How apps run its artifacts, a language."""
        ...

    def open(self, path: Path) -> OwnRuntime:
        """An artifact in its own runtime, or in what stands for it on this machine.

        Raises:
            UsageProblem: it is damaged, or has inputs of open shapes.
            ToolError: it does not load.
        """
        ...


def known_shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """A shape whose batch, where it is open, is 1.

    Raises:
        UsageProblem: another dimension is open.
    """
    from exporter.data.errors import UsageProblem

    fixed = tuple(1 if size < 0 and place == 0 else int(size) for place, size in enumerate(shape))
    if any(size < 0 for size in fixed):
        raise UsageProblem(
            f"input {name} takes several shapes ({', '.join('any' if size < 0 else str(size) for size in shape)}): "
            "golden cases need one. Convert a target of one shape for the hand-off."
        )
    return fixed
