"""Recipe: an ordered list of compression steps, as frozen data. No torch here.

Each step names a method, its options, and rules that say which layers it is for. The rules are read in order; of two
that match a layer and set the same thing, the later wins.
"""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from exporter.errors import UsageProblem
from exporter.targets.files import read_toml
from exporter.targets.problems import did_you_mean, sentences
from exporter.targets.settings import Fraction, Pattern, Settings

Ratio = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Training(Settings):
    """How weights are trained; every method that trains uses this one loop.

    Attributes:
        epochs: passes over the training data.
        batch_size: examples a step.
        optimizer: a class of ``torch.optim`` by name.
        optimizer_options: further keyword arguments of that class, for example ``momentum`` and ``weight_decay``.
        schedule: learning rate over the training: half a cosine down to zero, or constant.
        warmup_epochs: epochs of linear warm-up before the schedule; fractions count.
        precision: arithmetic of the forward pass (``torch.autocast``).
        device: ``auto`` takes CUDA, then MPS, then the CPU.
        clip_gradient: largest norm of all gradients together; None leaves them.
        validation: share of the training data held out to measure the loss after each epoch; needed by `patience`.
        patience: stop after so many epochs without a lower validation loss, and keep the best weights.
        augment: random changes of each image: mirrored, or shifted by an eighth of its size over zeros.
    """

    epochs: Count = 10
    batch_size: Count = 128
    optimizer: str = "SGD"
    learning_rate: Annotated[float, Field(gt=0)] = 0.01
    optimizer_options: dict[str, Any] = {"momentum": 0.9}
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_epochs: Annotated[float, Field(ge=0)] = 0
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    clip_gradient: Annotated[float, Field(gt=0)] | None = None
    validation: Annotated[float, Field(ge=0, lt=1)] = 0
    patience: Count | None = None
    augment: tuple[Literal["flip", "shift"], ...] = ()

    @model_validator(mode="after")
    def _can_stop_early(self) -> Self:
        if self.patience is not None and self.validation == 0:
            raise ValueError("patience needs a validation share to watch: set validation, for example to 0.1")
        return self


class LayerRule(Settings):
    """Says for the layers it matches whether the step applies; at least one of name and type.

    Attributes:
        name: regular expression searched in the layer's dotted name.
        type: class name of the layer, for example ``Conv2d`` or ``Linear``.
        apply: whether the step is for these layers.
    """

    name: Pattern | None = None
    type: str | None = None
    apply: bool | None = None

    @model_validator(mode="after")
    def _selects_and_says(self) -> Self:
        if self.name is None and self.type is None:
            raise ValueError("give name, type or both")
        if all(getattr(self, key) is None for key in type(self).model_fields if key not in ("name", "type")):
            raise ValueError("the rule sets nothing: give apply or an option")
        return self


class PruningRule(LayerRule):
    """Another sparsity for the layers it matches."""

    sparsity: Ratio | None = None


class ChannelRule(LayerRule):
    """Another share of removed channels for the layers it matches."""

    ratio: Ratio | None = None


class BitsRule(LayerRule):
    """Another number of bits for the layers it matches."""

    bits: Annotated[int, Field(ge=1, le=8)] | None = None


class Step(Settings):
    """Base of every step.

    Attributes:
        stage: order in which steps may follow each other: 0 changes the structure, 1 makes zeros, 2 makes tables,
            3 makes integer grids; None (training) may stand anywhere.
    """

    stage: ClassVar[int | None] = None
    method: str

    def order(self) -> int | None:
        """The stage of this step with its options."""
        return self.stage


class FineTuning(Step):
    """Trains on labels alone."""

    method: Literal["fine_tuning"] = "fine_tuning"
    training: Training = Training()


class _Distilling(Step):
    training: Training = Training()
    temperature: Annotated[float, Field(gt=0)] = 4.0
    alpha: Fraction = 0.9
    features: tuple[str, ...] = ()
    feature_weight: Annotated[float, Field(ge=0)] = 1.0


class Recovery(_Distilling):
    """The original model teaches the compressed one; labels are used where there are any.

    Attributes:
        training: how long and how.
        temperature: softens both models' logits (Hinton et al. 2015).
        alpha: share of the teacher in the loss, the rest is the labels'; without labels the teacher's is all.
        features: dotted names of layers whose outputs are compared as well, by their attention maps (Zagoruyko &
            Komodakis 2017), which do not depend on the number of channels.
        feature_weight: weight of that comparison.
    """

    method: Literal["recovery"] = "recovery"


class Distillation(_Distilling):
    """A teacher trains a student.

    Attributes:
        teacher: any model source; None takes the model that the recipe starts from.
        student: any model source; None takes the model as it is, or a narrower one with `width`.
        width: width multiplier: the student is the same architecture with this share of its channels, untrained.
    """

    stage: ClassVar[int | None] = 0
    method: Literal["distillation"] = "distillation"
    teacher: str | None = None
    student: str | None = None
    width: Ratio | None = None

    @model_validator(mode="after")
    def _one_student(self) -> Self:
        if self.student is not None and self.width is not None:
            raise ValueError("give at most one of student and width")
        if self.teacher is None and self.student is None and self.width is None:
            raise ValueError("the model would teach itself: give teacher, student or width")
        return self

    def order(self) -> int | None:
        """Replacing the model is structure; another teacher for the same model is training."""
        return None if self.student is None and self.width is None else self.stage


class ChannelPruning(Step):
    """Removes whole channels, through residuals, depthwise convolutions and concatenations (torch-pruning).

    Attributes:
        ratio: share of the channels to remove.
        macs: share of the multiply-accumulates to keep.
        parameters: share of the parameters to keep.
        criterion: what makes a channel important: norm of its weights, distance from the geometric median (FPGM),
            first-order Taylor expansion of the loss, batch-norm scale, or chance (the control).
        scope: ``local`` removes the same share everywhere, ``global`` ranks the channels of all layers together.
        round_to: channel counts stay multiples of this.
        max_ratio: most of a layer's channels that a global ranking may take.
        iterations: remove in so many rounds, following the AGP curve, with `training` (recovery) after each.
        training: recovery between the rounds.
        rules: layers to leave alone, or another ratio for them.
    """

    stage: ClassVar[int | None] = 0
    method: Literal["channel_pruning"] = "channel_pruning"
    ratio: Ratio | None = None
    macs: Ratio | None = None
    parameters: Ratio | None = None
    criterion: Literal["l1", "l2", "fpgm", "taylor", "bn_scale", "random"] = "l2"
    scope: Literal["local", "global"] = "local"
    round_to: Count = 1
    max_ratio: Ratio = 0.9
    iterations: Count = 1
    training: Training | None = None
    rules: tuple[ChannelRule, ...] = ()

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if sum(value is not None for value in (self.ratio, self.macs, self.parameters)) != 1:
            raise ValueError("give exactly one of ratio, macs and parameters")
        return self


class BlockRemoval(Step):
    """Removes whole residual blocks, those first whose absence changes the outputs least.

    Attributes:
        blocks: how many to remove.
        macs: share of the multiply-accumulates to keep.
        rules: blocks to keep, by name.
    """

    stage: ClassVar[int | None] = 0
    method: Literal["block_removal"] = "block_removal"
    blocks: Count | None = None
    macs: Ratio | None = None
    rules: tuple[LayerRule, ...] = ()

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.blocks is None) == (self.macs is None):
            raise ValueError("give exactly one of blocks and macs")
        return self


class LowRank(Step):
    """Replaces a linear layer or convolution by two of lower rank (singular value decomposition).

    Attributes:
        rank: of the factors.
        energy: share of the squared singular values to keep.
        rules: layers to leave alone.
    """

    stage: ClassVar[int | None] = 0
    method: Literal["low_rank"] = "low_rank"
    rank: Count | None = None
    energy: Ratio | None = None
    rules: tuple[LayerRule, ...] = ()

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.rank is None) == (self.energy is None):
            raise ValueError("give exactly one of rank and energy")
        return self


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
        granularity: one scale an output channel, or one a block of `block_size` inputs of it.
        block_size: weights that share a scale.
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


STEP_TYPES: tuple[type[Step], ...] = (
    FineTuning, Recovery, Distillation, ChannelPruning, BlockRemoval, LowRank, MagnitudePruning, NmPruning,
    BlockPruning, WeightSharing, Binarization, Float16, WeightQuantization, DynamicQuantization, StaticQuantization,
    QuantizationAwareTraining,
)  # fmt: skip
AnyStep = Annotated[
    FineTuning | Recovery | Distillation | ChannelPruning | BlockRemoval | LowRank | MagnitudePruning | NmPruning
    | BlockPruning | WeightSharing | Binarization | Float16 | WeightQuantization | DynamicQuantization
    | StaticQuantization | QuantizationAwareTraining,
    Field(discriminator="method"),
]  # fmt: skip
METHODS = tuple(str(kind.model_fields["method"].default) for kind in STEP_TYPES)


class Recipe(Settings):
    """Steps in the order in which they are applied.

    Attributes:
        name: how targets and commands refer to it.
        description: one sentence for people.
        seed: of every random choice.
        steps: at least one.
    """

    name: str
    description: str = ""
    seed: int = 0
    steps: tuple[AnyStep, ...]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.steps:
            raise ValueError("steps is empty: add [[steps]] tables, each with a method")
        latest, where = -1, 0
        for index, step in enumerate(self.steps):
            stage = step.order()
            if stage is None:
                continue
            if stage < latest:
                raise ValueError(
                    f"steps.{index} ({step.method}) must come before steps.{where} ({self.steps[where].method}): "
                    "structure first, then zeros, then tables, then integer grids; each would undo the next one's work"
                )
            latest, where = stage, index
        return self


_ADAPTER = TypeAdapter(Recipe)


def load_recipe(spec: str, *, targets_file: Path | None = None) -> Recipe:
    """The recipe that `spec` names: one of the targets files' ``[recipes.NAME]``, or a TOML file.

    A file holds either the recipe itself or one ``[recipes.NAME]`` table.

    Args:
        spec: a name or a path that ends in ``.toml``.
        targets_file: the file given with ``--targets``; None takes the current folder's.

    Raises:
        UsageProblem: no such recipe, or settings with errors (all of them in one message).
    """
    if spec.endswith(".toml"):
        return _from_file(Path(spec))
    from exporter.targets.files import tables

    found = tables("recipes", targets_file)
    if spec not in found:
        otherwise = f"there are {', '.join(found)}." if found else "no targets file has [recipes.NAME] tables."
        raise UsageProblem(f"there is no recipe {spec!r}; {did_you_mean(spec, found, otherwise=otherwise)}")
    return parse_recipe(spec, found[spec])


def parse_recipe(name: str, table: dict[str, Any]) -> Recipe:
    """Check a recipe's table.

    Raises:
        UsageProblem: with every error, each with its dotted path.
    """
    try:
        return _ADAPTER.validate_python({"name": name, **table})
    except ValidationError as error:
        problems = sentences(f"recipes.{name}", error, [Recipe, *STEP_TYPES], tags=METHODS)
        raise UsageProblem("the recipe has errors:\n" + "\n".join(f"  {problem}" for problem in problems)) from error


def _from_file(path: Path) -> Recipe:
    document = read_toml(path)
    inner = document.get("recipes")
    if inner is None:
        return parse_recipe(path.stem, document)
    if not isinstance(inner, dict) or len(inner) != 1:
        raise UsageProblem(f"{path} must hold one recipe: steps at the top, or a single [recipes.NAME] table.")
    ((name, table),) = inner.items()
    return parse_recipe(name, table)
