"""Mixed precision: each layer has a form of its own, given in one pass from the first layer to the last."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from exporter.compression.forms.precision import FLOAT16, Kind, Precision
from exporter.compression.method import Method
from exporter.data.errors import UsageProblem
from exporter.data.settings.recipe import Count, LayerRule, RoundingStep

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.layers import Layer
    from exporter.compression.model import Context, Outcome

Bits = Annotated[int, Field(ge=1, le=8)]
Channels = Annotated[int, Field(ge=2)]
Granularity = Literal["per_tensor", "per_grouped_channel", "per_channel", "per_block"]
GRANULARITIES: dict[Kind, tuple[Granularity, ...]] = {
    "table": ("per_tensor", "per_grouped_channel"),
    "grid": ("per_channel", "per_block"),
}
"""Those that a form has, the one that is meant where none is said first."""


class PrecisionRule(LayerRule):
    """Another form for the layers it matches.

    Attributes:
        form: a table, a grid or float16.
        bits: of an index into a table (1 to 8) or an integer (4 or 8).
        granularity: of their tables or scales.
        group_size: output channels that share a table.
        block_size: input channels that share a scale with their whole kernels.
    """

    form: Kind | None = None
    bits: Bits | None = None
    granularity: Granularity | None = None
    group_size: Count | None = None
    block_size: Channels | None = None


class MixedPrecision(RoundingStep):
    """Gives each layer's weight a form of its own: a lookup table, a symmetric integer grid, or float16.

    Attributes:
        form: of layers of which no rule says another one.
        bits: of an index into a table (1 to 8) or an integer (4 or 8).
        granularity: one table a tensor or a group of output channels; one scale an output channel or a block of its
            input channels. Where none is said, a table is of the tensor and a scale of the channel.
        group_size: output channels that share a table.
        block_size: input channels that share a scale with their whole kernels.
        min_elements: smaller weights are given no table, because it would outweigh the gain.
        rules: layers that stay float32 (``apply = false``), or what is different for them.
    """

    stage: ClassVar[int | None] = 3
    form: Kind = "grid"
    bits: Bits = 8
    granularity: Granularity | None = None
    group_size: Count = 16
    block_size: Channels = 32
    min_elements: Annotated[int, Field(ge=0)] = 256
    rules: tuple[PrecisionRule, ...] = ()

    @model_validator(mode="after")
    def _exists(self) -> Self:
        self.precision({})
        for index, rule in enumerate(self.rules):
            if rule.form is not None:
                try:
                    self.precision(rule.model_dump(exclude_none=True))
                except ValueError as error:
                    raise ValueError(f"rules.{index}: {error}") from error
        return self

    def precision(self, options: dict[str, Any]) -> Precision:
        """The form of a layer with these options of rules.

        Raises:
            ValueError: there is no such form.
        """
        form: Kind = options.get("form", self.form)
        if form == "float16":
            return FLOAT16
        bits = options.get("bits", self.bits)
        granularity = options.get("granularity", self.granularity) or GRANULARITIES[form][0]
        if granularity not in GRANULARITIES[form]:
            raise ValueError(f"a {form} is {' or '.join(GRANULARITIES[form])}, not {granularity}")
        if form == "grid" and bits not in (4, 8):
            raise ValueError(f"a grid has 4 or 8 bits, not {bits}; a table may have 1 to 8")
        group = options.get("group_size", self.group_size) if granularity == "per_grouped_channel" else None
        block = options.get("block_size", self.block_size) if granularity == "per_block" else None
        return Precision(form, bits, group, block)


def give(module: "nn.Module", step: MixedPrecision, context: "Context") -> "Outcome":
    """Fold batch norms, then give every layer its form."""
    from exporter.compression.forms.folding import fold_batch_norms
    from exporter.compression.forms.nearest import feasible
    from exporter.compression.layers import select
    from exporter.compression.model import Outcome
    from exporter.compression.rounding.rounding import give_forms

    layers, skipped = select(module, step.rules)
    wanted = {layer.name: _precision(step, layer) for layer in layers}
    fold_batch_norms(module)
    chosen = feasible(layers, lambda layer: wanted[layer.name], skipped, step.min_elements)
    notes = {"layers_by_form": _counted(precision for _, precision in chosen)}
    return Outcome(module, tuple(skipped), notes | give_forms(module, chosen, step, context), len(chosen))


def _precision(step: MixedPrecision, layer: "Layer") -> Precision:
    try:
        return step.precision(layer.options)
    except ValueError as error:
        raise UsageProblem(f"mixed_precision: {layer.name}: {error}") from error


def _counted(precisions: Iterable[Precision]) -> dict[str, int]:
    """How many layers have each form, by its name."""
    counts = Counter(
        precision.form if precision == FLOAT16 else f"{precision.form}, {precision.bits} bits"
        for precision in precisions
    )
    return dict(sorted(counts.items()))


METHOD = Method(MixedPrecision, give, example={"form": "table", "bits": 4, "rules": [{"name": "conv", "form": "grid"}]})
