"""Method: what compression asks of each of its methods. Importing this does not load torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from exporter.data.settings.recipe import Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome

S = TypeVar("S", bound=Step)


@dataclass(frozen=True)
class Method(Generic[S]):
    """One way to compress a model; each stands in a file of its own, as ``METHOD``.

    The file imports torch, and what imports torch, inside its functions: recipes are read without it. `apply` owes:

    - It takes the model in eval mode and changes it in place or gives another one; the original is the context's and
      stays as it is. What it gives runs on the same inputs and gives outputs of the same shapes.
    - A weight that must keep a form (zeros, a table, a grid) is constrained (`exporter.compression.forms.constraints`),
      so that later trainings keep the form and converters are told of it.
    - A layer that it skips is reported with the reason. A step that changes nothing is an error of the recipe.
    - Everything random comes from the context's seed: the same seed, data and step give the same weights.
    - It reads no data beyond what the step's `needs` name, and does with them alone.

    Attributes:
        step: its options; an instance's name comes from the table of methods.
        apply: model, step, context -> the changed model and what was done.
        example: options with which a step does something to most models; the contract suite runs them.
    """

    step: type[S]
    apply: "Callable[[nn.Module, S, Context], Outcome]"
    example: Mapping[str, Any] = field(default_factory=dict)
