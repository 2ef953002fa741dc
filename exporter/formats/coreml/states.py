"""What a model is once it keeps its carried inputs itself, and which models can."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.formats.coreml.settings import CoremlTarget

if TYPE_CHECKING:
    from numpy.typing import NDArray


def states_problem(target: CoremlTarget, source: SourceDescription) -> str | None:
    """Why `source` cannot have the states that a target asks for, as a sentence; None when it can or need not."""
    if not target.states:
        return None
    if not source.carried:
        return (
            f"model {source.spec} carries nothing from call to call, so that it can have no states. Give "
            "--cache-length to a decoder of transformers, or say in [model.carried] which output is an input of the "
            "next call."
        )
    given = without_carried(source).outputs
    if len(given) == 1:
        return None
    return (
        f"model {source.spec} gives {', '.join(given) or 'nothing'} besides what it carries; with states it must give "
        "one output. Leave states out, or join them."
    )


def without_carried(description: SourceDescription) -> SourceDescription:
    """What an app sees of a model that keeps its carried inputs itself."""
    shapes = dict(zip(description.outputs, description.output_shapes, strict=True))
    outputs = tuple(name for name in description.outputs if name not in description.carried.values())
    return description.model_copy(
        update={
            "inputs": tuple(spec for spec in description.inputs if spec.name not in description.carried),
            "outputs": outputs,
            "output_shapes": tuple(shapes[name] for name in outputs),
        }
    )


@dataclass(frozen=True)
class Kept:
    """The states of an artifact, beside what its source carries.

    Attributes:
        model: a `ReferenceModel`, or ``coremltools.models.MLModel``.
        whole: of the source.
        outside: what the artifact is given and gives.
    """

    model: Any
    whole: SourceDescription
    outside: SourceDescription

    @classmethod
    def of(cls, path: Path, model: Any, names: Sequence[str], source: SourceDescription) -> "Kept":
        """The states called `names`; none are needed, for an app can carry outputs itself.

        Raises:
            UsageProblem: they are not what the source carries.
        """
        if names and set(names) != set(source.carried):
            raise UsageProblem(
                f"{path} keeps the states {', '.join(sorted(names))}, and {source.spec} carries "
                f"{', '.join(source.carried) or 'nothing'}. Give the model that it was made from."
            )
        return cls(model, source, without_carried(source) if names else source)

    @property
    def names(self) -> Sequence[str]:
        """Of the states, as the source's inputs are called."""
        return list(self.whole.carried) if self.outside is not self.whole else []

    def empty(self) -> Any:
        """States of zeros; None where the artifact has none."""
        return self.model.make_state() if self.names else None

    def holding(self, inputs: "Sequence[NDArray[Any]]") -> Any:
        """States that hold what a step is given for them."""
        state = self.empty()
        for spec, value in zip(self.whole.inputs, inputs, strict=True):
            if spec.name in self.names:
                _write(state, spec.name, value)
        return state

    def given(self, inputs: "Sequence[NDArray[Any]]") -> "Sequence[NDArray[Any]]":
        """Of a step's inputs those that the artifact takes."""
        pairs = zip(self.whole.inputs, inputs, strict=True)
        return [value for spec, value in pairs if spec.name not in self.names]

    def at_start(self, inputs: "Sequence[NDArray[Any]]") -> "Sequence[NDArray[Any]]":
        """A step's inputs with zeros for what the artifact keeps."""
        pairs = zip(self.whole.inputs, inputs, strict=True)
        return [value * 0 if spec.name in self.names else value for spec, value in pairs]

    def beside(self, results: "Sequence[NDArray[Any]]", state: Any) -> "list[NDArray[Any]]":
        """Every output of a step: those of the artifact, and what its states hold now."""
        found = dict(zip(self.outside.outputs, results, strict=True))
        found |= {self.whole.carried[name]: _read(state, name) for name in self.names}
        return [found[name] for name in self.whole.outputs]


def _write(state: Any, name: str, value: "NDArray[Any]") -> None:
    """Into a state of the evaluator, or of Core ML, whose states are float16."""
    if hasattr(state, "write_state"):
        state.write_state(name, value.astype("float16"))
    else:
        state.write(name, value)


def _read(state: Any, name: str) -> "NDArray[Any]":
    found = state.read_state(name) if hasattr(state, "read_state") else state.read(name).numpy()
    return found.astype("float32")  # type: ignore[no-any-return]
