"""What an artifact's operations gave, and which of a source's modules an operation can stand for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from exporter.formats.common.layers.calls import Call

BY_NAME, BY_WEIGHTS = "name", "weights"
CLIPS = ("ReLU", "Hardtanh", "Tanh")
"""Beginnings of the classes of activations that operations of a runtime can hold in themselves."""
_ACTIVATIONS = (
    *("CELU", "ELU", "GELU", "GLU", "Hard", "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "NewGELU", "PReLU"),
    *("QuickGELU", "ReLU", "SELU", "SiLU", "Sigmoid", "Soft", "Swish", "Tanh", "Threshold"),
)


@dataclass(frozen=True)
class Observed:
    """The value that one operation of an artifact gave on the example.

    Attributes:
        key: of the value, unique in the artifact.
        name: of the value, for people.
        operation: what made it, as the format calls it.
        location: where, for people.
        value: real numbers.
        layer: dotted name of the module whose work it does, where the artifact itself tells; else empty.
        known_by: how it tells: `BY_NAME` or `BY_WEIGHTS`.
        rule_name: what `op_name` of a rule is searched in; empty where nothing is.
        activation: the activation that the operation holds in itself; None for none.
        may_clip: whether its range may do the work of an activation, as in integers.
    """

    key: str
    name: str
    operation: str
    location: str
    value: NDArray[Any]
    layer: str = ""
    known_by: str = ""
    rule_name: str = ""
    activation: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    may_clip: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """Which operations of a format can do the work of a module.

    Attributes:
        kinds: beginning of a module's class -> operations; the longest that fits counts.
        activations: operations that do the work of any class that is not in `kinds`.
        containers: operations that a module with modules of its own may end with.
    """

    kinds: Mapping[str, frozenset[str]]
    activations: frozenset[str]
    containers: frozenset[str]

    def accepts(self, call: Call, observed: Observed) -> bool:
        """Whether the operation is of a kind that can stand for the call."""
        if call.container:
            return observed.operation in self.containers
        if observed.activation is not None and call.kind.startswith(CLIPS):
            return True
        for kind in sorted(self.kinds, key=len, reverse=True):
            if call.kind.startswith(kind):
                return observed.operation in self.kinds[kind]
        return observed.operation in self.activations


def is_activation(call: Call) -> bool:
    """Whether a module is an activation by its class."""
    return not call.container and call.kind.startswith(_ACTIVATIONS)
