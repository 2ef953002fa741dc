"""Weight sharing: k-means tables of a few values (Han et al. 2016), whose values later trainings move."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from exporter.compression.method import Method
from exporter.data.settings.recipe import Count, LayerRule, RoundingStep

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class BitsRule(LayerRule):
    """Another number of bits for the layers it matches.

    Attributes:
        bits: of an index into the table.
    """

    bits: Annotated[int, Field(ge=1, le=8)] | None = None


class WeightSharing(RoundingStep):
    """Replaces weights by indices into a table found by k-means; later training moves the table's values.

    Attributes:
        bits: of an index; the table has 2 to the power of it values.
        granularity: one table a tensor, or one a group of output channels.
        group_size: output channels that share a table.
        min_elements: smaller weights are left alone, because the table would outweigh the gain.
        rules: layers to leave alone, or other bits for them.
    """

    stage: ClassVar[int | None] = 2
    bits: Annotated[int, Field(ge=1, le=8)] = 4
    granularity: Literal["per_tensor", "per_grouped_channel"] = "per_tensor"
    group_size: Count = 16
    min_elements: Annotated[int, Field(ge=0)] = 256
    rules: tuple[BitsRule, ...] = ()


def share(module: "nn.Module", step: WeightSharing, context: "Context") -> "Outcome":
    """Fold batch norms, then replace weights by tables; zeros of an earlier pruning keep an entry of their own."""
    from exporter.compression.forms.folding import fold_batch_norms
    from exporter.compression.forms.nearest import feasible
    from exporter.compression.forms.precision import Precision
    from exporter.compression.layers import select
    from exporter.compression.model import Outcome
    from exporter.compression.rounding.rounding import give_forms

    folded = fold_batch_norms(module)
    layers, skipped = select(module, step.rules)
    wanted = Precision("table", step.bits, step.group_size if step.granularity == "per_grouped_channel" else None)
    chosen = feasible(
        layers, lambda layer: wanted._replace(bits=layer.options.get("bits", step.bits)), skipped, step.min_elements
    )
    notes = {"batch_norms_folded": len(folded), **give_forms(module, chosen, step, context)}
    return Outcome(module, tuple(skipped), notes, len(chosen))


METHOD = Method(WeightSharing, share)
