"""Source: one kind of MODEL argument, and what loading one gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from exporter.data.facts.hints import CompressionHints
from exporter.data.facts.source import InputSpec, SourceDescription, at_every_size
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import load_torch


@dataclass(frozen=True)
class ModelSource:
    """A loaded source.

    Attributes:
        description: what it is.
        settings: what the user said of it.
        module: ``torch.nn.Module`` in eval mode, or None for an ONNX source.
        onnx_path: the file of an ONNX source.
        hints: forms and ranges that `mobile-export compress` left in a .pt2 file; converters keep them.
    """

    description: SourceDescription
    settings: ModelSettings
    module: Any
    onnx_path: Path | None = None
    hints: CompressionHints = field(default_factory=CompressionHints)

    def example_inputs(self) -> tuple[Any, ...]:
        """One tensor an input, of its shape and dtype: seeded noise, the least that the source takes for integers."""
        return _examples(self.description.inputs)

    def example_sizes(self) -> list[tuple[Any, ...]]:
        """`example_inputs` for every shape that is tried, its own first."""
        return [_examples(sized) for sized in reversed(at_every_size(self.description.inputs))]


def _examples(inputs: Sequence[InputSpec]) -> tuple[Any, ...]:
    torch = load_torch()
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.randn(spec.shape, generator=generator)
        if spec.dtype == "float32"
        else torch.full(spec.shape, spec.telling, dtype=getattr(torch, spec.dtype))
        for spec in inputs
    )


class Source(Protocol):
    """One kind of MODEL argument.

    Its module is light to import: heavy libraries are loaded by its functions. Loading the same files or code twice
    gives the same description, digest included; anything that changes what the model computes changes the digest.
    """

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Load the model that `spec` names and find out its inputs and outputs.

        Raises:
            UsageProblem: no such model, weights that do not fit, NaN weights, or shapes that it does not run on.
        """

    def files(self, spec: str) -> Sequence[Path] | None:
        """What must be read to know the model without loading it; None for code, which has to be run for that."""
