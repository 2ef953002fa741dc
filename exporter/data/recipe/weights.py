"""Steps that change weights and keep the structure: zeros, tables, integer grids."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from exporter.data.recipe.base import BitsRule, Count, LayerRule, PruningRule, Ratio, Step, Training
from exporter.data.target import Fraction


class MagnitudePruning(Step):
    """Sets single weights to zero.

    Attributes:
        sparsity: share of zeros.
        snr_db: instead: each layer takes the highest sparsity that keeps the outputs' SNR at least so high when it
            alone is pruned (the sensitivity analysis); needs calibration data.
        scope: ``local`` prunes each layer to the same share, ``global`` ranks all weights together.
        criterion: the smallest magnitudes, or chance (the control).
        schedule: all at once, or along the AGP curve (Zhu & Gupta 2017) during `training`.
        updates: how often the AGP schedule raises the sparsity.
        ramp: share of `training` in which an AGP schedule reaches the final sparsity; the rest recovers from it.
        training: recovery while an AGP schedule runs.
        rules: layers to leave alone, or another sparsity for them.
    """

    stage: ClassVar[int | None] = 1
    method: Literal["magnitude_pruning"] = "magnitude_pruning"
    sparsity: Ratio | None = None
    snr_db: float | None = None
    scope: Literal["local", "global"] = "local"
    criterion: Literal["magnitude", "random"] = "magnitude"
    schedule: Literal["one_shot", "agp"] = "one_shot"
    updates: Count = 10
    ramp: Ratio = 0.5
    training: Training | None = None
    rules: tuple[PruningRule, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.sparsity is None) == (self.snr_db is None):
            raise ValueError("give exactly one of sparsity and snr_db")
        if (self.schedule == "agp") != (self.training is not None):
            raise ValueError("schedule 'agp' and training belong together")
        if self.scope == "global" and (self.snr_db is not None or any(rule.sparsity for rule in self.rules)):
            raise ValueError("a global ranking has one sparsity: give neither snr_db nor sparsity by rule")
        return self


class NmPruning(Step):
    """Sets n of every m neighbouring input channels' weights to zero.

    Attributes:
        zeros: n.
        of: m.
        rules: layers to leave alone.
    """

    stage: ClassVar[int | None] = 1
    method: Literal["nm_pruning"] = "nm_pruning"
    zeros: Count = 2
    of: Annotated[int, Field(ge=2)] = 4
    rules: tuple[LayerRule, ...] = ()

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.zeros >= self.of:
            raise ValueError("n of m zeros: zeros must be less than of")
        return self


class BlockPruning(Step):
    """Sets whole blocks of the weight matrix (outputs by inputs times kernel) to zero, smallest norm first.

    Attributes:
        sparsity: share of the blocks.
        block: rows and columns of a block.
        rules: layers to leave alone, or another sparsity for them.
    """

    stage: ClassVar[int | None] = 1
    method: Literal["block_pruning"] = "block_pruning"
    sparsity: Ratio
    block: tuple[Count, Count] = (1, 4)
    rules: tuple[PruningRule, ...] = ()


class WeightSharing(Step):
    """Replaces weights by indices into a table found by k-means; later training moves the table's values.

    Attributes:
        bits: of an index; the table has 2 to the power of it values.
        granularity: one table a tensor, or one a group of output channels.
        group_size: output channels that share a table.
        min_elements: smaller weights are left alone, because the table would outweigh the gain.
        rules: layers to leave alone, or other bits for them.
    """

    stage: ClassVar[int | None] = 2
    method: Literal["weight_sharing"] = "weight_sharing"
    bits: Annotated[int, Field(ge=1, le=8)] = 4
    granularity: Literal["per_tensor", "per_grouped_channel"] = "per_tensor"
    group_size: Count = 16
    min_elements: Annotated[int, Field(ge=0)] = 256
    rules: tuple[BitsRule, ...] = ()


class Binarization(Step):
    """Sign times one scale for each output channel (XNOR-Net's weights), with straight-through gradients.

    Attributes:
        keep_ends: leave the first and the last layer as they are.
        rules: layers to leave alone, or to take.
    """

    stage: ClassVar[int | None] = 2
    method: Literal["binarization"] = "binarization"
    keep_ends: bool = True
    rules: tuple[LayerRule, ...] = ()


class Float16(Step):
    """Rounds weights to float16."""

    stage: ClassVar[int | None] = 3
    method: Literal["float16"] = "float16"
    rules: tuple[LayerRule, ...] = ()


class WeightQuantization(Step):
    """Weights on a symmetric integer grid, activations in float.

    Attributes:
        bits: 8 or 4.
        granularity: one scale an output channel, or one a block of its input channels.
        block_size: input channels that share a scale with their whole kernels.
        rules: layers to leave alone.
    """

    stage: ClassVar[int | None] = 3
    method: Literal["weight_quantization"] = "weight_quantization"
    bits: Literal[8, 4] = 8
    granularity: Literal["per_channel", "per_block"] = "per_channel"
    block_size: Annotated[int, Field(ge=2)] = 32
    rules: tuple[LayerRule, ...] = ()


class DynamicQuantization(Step):
    """Int8 weights of linear layers; their inputs are quantized while the model runs.

    Convolutions stay float, as with ``torch.ao.quantization.quantize_dynamic``; a rule may add them.
    """

    stage: ClassVar[int | None] = 3
    method: Literal["dynamic_quantization"] = "dynamic_quantization"
    rules: tuple[LayerRule, ...] = ()


class _Static(Step):
    stage: ClassVar[int | None] = 3
    weight_bits: Literal[8, 4] = 8
    observer: Literal["min_max", "moving_average", "histogram"] = "min_max"
    equalize: bool = False
    bias_correction: bool = False
    rules: tuple[LayerRule, ...] = ()


class StaticQuantization(_Static):
    """Int8 weights and activations, whose ranges come from calibration data.

    Attributes:
        weight_bits: 8 or 4; activations have 8.
        observer: how ranges are gathered: extremes, their moving average, or the histogram with the least error.
        equalize: cross-layer equalization first (Nagel et al. 2019).
        bias_correction: afterwards correct each bias by the mean error of its layer's output.
        rules: layers whose weights stay float.
    """

    method: Literal["static_quantization"] = "static_quantization"


class QuantizationAwareTraining(_Static):
    """Static quantization, then training with the rounding in place.

    Attributes:
        ranges: of activations: a moving average of the extremes, or learned by gradient (LSQ, Esser et al. 2020).
        freeze_ranges: share of the training after which ranges stay as they are.
        training: how long and how.
        temperature: of the distillation from the original model.
        alpha: share of the teacher in the loss.
    """

    method: Literal["quantization_aware_training"] = "quantization_aware_training"
    observer: Literal["min_max", "moving_average", "histogram"] = "moving_average"
    ranges: Literal["moving", "learned"] = "moving"
    freeze_ranges: Fraction = 0.5
    training: Training = Training()
    temperature: Annotated[float, Field(gt=0)] = 4.0
    alpha: Fraction = 0.9
