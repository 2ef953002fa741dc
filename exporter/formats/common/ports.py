"""Which input or output of an artifact is which of the source: by name, else by shape where only one fits."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec, SourceDescription

Shape = tuple[int, ...]
Shapes = Callable[[], Sequence[Shape]]
"""Gives the shapes of the source's outputs; called only where names do not tell which is which."""


@dataclass(frozen=True)
class Port:
    """An input or output of a model.

    Attributes:
        names: what it is called; the first is shown, a signature of the file may give others.
        shape: with the batch; -1 where a dimension may have any length; None when it is not known.
        dtype: of its elements as an app sees them: a quantized tensor carries real numbers.
        text: how it is described in messages, where that says more than `dtype` and `shape`.
    """

    names: tuple[str, ...]
    shape: Shape | None
    dtype: str
    text: str = ""

    def __str__(self) -> str:
        """Such as ``image float32 [1, 3, 224, 224]``."""
        sizes = "" if self.shape is None else ", ".join("any" if size < 0 else str(size) for size in self.shape)
        return f"{self.names[0]} {self.text or self.dtype}" + ("" if self.shape is None else f" [{sizes}]")

    @property
    def real(self) -> bool:
        """Whether it carries real numbers, and not integers or booleans."""
        return self.dtype.startswith(("float", "bfloat", "image"))


@dataclass(frozen=True)
class Pairing:
    """What is being matched, for messages.

    Attributes:
        path: of the artifact.
        side: inputs or outputs.
    """

    path: Path
    side: Literal["input", "output"]

    def match(self, source: Sequence[Port], artifact: Sequence[Port]) -> list[int]:
        """Places in `artifact`, one for each port of `source`; -1 for an input that the artifact does not have.

        Raises:
            UsageProblem: not every port has exactly one partner, or partners have different shapes; both lists are
                shown, and what to give.
        """
        inputs = self.side == "input"
        needed, offered = (artifact, source) if inputs else (source, artifact)
        pairs = _partners(needed, offered)
        if pairs is None:
            raise UsageProblem(self._unmatched(source, artifact))
        unlike = [(needed[i], offered[j]) for i, j in pairs.items() if not fits(needed[i].shape, offered[j].shape)]
        if unlike:
            raise UsageProblem(self._unlike(*(unlike[0] if inputs else unlike[0][::-1])))
        if not inputs:
            return [pairs[place] for place in range(len(source))]
        places = {of_source: of_artifact for of_artifact, of_source in pairs.items()}
        return [places.get(place, -1) for place in range(len(source))]

    def _unmatched(self, source: Sequence[Port], artifact: Sequence[Port]) -> str:
        names = [port.names[0] for port in artifact]
        if self.side == "output":
            advice = "Name the source's outputs as the artifact's, in the order in which the source gives them: "
            advice += " ".join(f"--output-name {name}" for name in names)
        else:
            advice = "Name the source's inputs as the artifact's, in the order in which the source takes them: "
            advice += " ".join(
                f"--input-shape {name}={_shape_option(port.shape)}" for name, port in zip(names, artifact, strict=True)
            )
        return (
            f"{self.path}: its {self.side}s cannot be told apart by name or shape.\n"
            f"  the artifact's: {_listed(artifact)}\n  the source's:   {_listed(source)}\n{advice}"
        )

    def _unlike(self, artifact: Port, source: Port) -> str:
        option = "--input-shape" if self.side == "input" else "--output-name"
        return (
            f"{self.path}: {self.side} {artifact} does not fit the source's {source}. "
            f"Give the model that it was made from, or say with {option} what the model's {self.side}s are."
        )


def fits(one: Shape | None, other: Shape | None) -> bool:
    """Whether two shapes can be of the same value: but for the batch, and for channels that lie first or last."""
    if one is None or other is None:
        return True
    if len(one) != len(other):
        return False
    return any(_same(one, candidate) for candidate in (other, *_moved(other)))


def same_name(one: str, other: str) -> bool:
    """Whether two names are alike, apart from characters that a format does not allow."""
    return re.sub(r"\W", "_", one) == re.sub(r"\W", "_", other)


def _moved(shape: Shape) -> list[Shape]:
    return [(shape[0], *shape[2:], shape[1]), (shape[0], shape[-1], *shape[1:-1])] if len(shape) > 2 else []


def _same(one: Shape, other: Shape) -> bool:
    start = 1 if len(one) > 1 else 0  # the batch is the caller's choice; a shape of one dimension has none
    return all(a == b or a < 0 or b < 0 for a, b in zip(one[start:], other[start:], strict=True))


def _partners(needed: Sequence[Port], offered: Sequence[Port]) -> dict[int, int] | None:
    """Place in `offered` for each place in `needed`; None where more than one choice, or none, would do."""
    pairs = _named(needed, offered)
    rest = [place for place in range(len(needed)) if place not in pairs]
    free = [place for place in range(len(offered)) if place not in pairs.values()]
    if not rest:
        return pairs
    if len(rest) != len(free):
        return None
    if len(rest) == 1:
        return pairs | {rest[0]: free[0]}
    for strict in (True, False):
        found = _only_choice({i: [j for j in free if _like(needed[i], offered[j], strict)] for i in rest})
        if found is not None:
            return pairs | found
    return None


def _named(needed: Sequence[Port], offered: Sequence[Port]) -> dict[int, int]:
    pairs = {}
    for i, port in enumerate(needed):
        exact = [j for j, other in enumerate(offered) if set(port.names) & set(other.names)]
        alike = [j for j, other in enumerate(offered) if any(same_name(a, b) for a in port.names for b in other.names)]
        if exact or len(alike) == 1:
            pairs[i] = (exact or alike)[0]
    return pairs


def _like(one: Port, other: Port, strict: bool) -> bool:
    return fits(one.shape, other.shape) and (not strict or one.real == other.real)


def _only_choice(choices: dict[int, list[int]]) -> dict[int, int] | None:
    """The one complete matching; a graph with just one always has a place with a single candidate."""
    found: dict[int, int] = {}
    left = {i: set(js) for i, js in choices.items()}
    while left:
        i = next((i for i, js in left.items() if len(js) == 1), None)
        if i is None:
            return None
        (found[i],) = left.pop(i)
        for js in left.values():
            js.discard(found[i])
    return found


def _shape_option(shape: Shape | None) -> str:
    return ",".join(str(max(size, 1)) for size in shape) if shape else "SHAPE"


def _listed(ports: Iterable[Port]) -> str:
    return ", ".join(map(str, ports)) or "none"


def source_outputs(description: SourceDescription, artifact: Sequence[Port], shapes: Shapes | None) -> list[Port]:
    """The source's outputs; their shapes are asked for only where names do not tell which is which."""
    if len(artifact) < 2 or shapes is None or all_named(description.outputs, artifact):
        return [Port((name,), None, "float32", "of the source") for name in description.outputs]
    return [Port((name,), shape, "float32") for name, shape in zip(description.outputs, shapes(), strict=True)]


def all_named(names: Sequence[str], ports: Sequence[Port]) -> bool:
    """Whether every one of `names` is a name of some port."""
    return set(names) <= {name for port in ports for name in port.names}


def source_port(spec: InputSpec) -> Port:
    """An input of the source."""
    return Port((spec.name,), spec.shape, spec.dtype)
