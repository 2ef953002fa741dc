"""Settings of a Core ML target: what an app on Apple systems may be given."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from exporter.data.base import Frozen
from exporter.data.settings.target import MINIMUM_OS, Quantization, Selector, Target

CoremlRoute = Literal["trace", "export", "export+rewritten", "trace+core"]
"""Ways to a program, in the order in which they are tried (`docs/conversion.md`)."""


class LinearWeights(Frozen):
    """Linear weight quantization (coremltools ``OpLinearQuantizerConfig``).

    Attributes:
        method: ``"linear"``.
        nbits: of a stored weight.
        scheme: symmetric around zero, or affine with a zero point.
        granularity: one scale a tensor, an output channel, or a block of input channels.
        block_size: input channels a block.
        weight_threshold: weights of fewer elements are left alone.
    """

    method: Literal["linear"]
    nbits: Literal[8, 4] = 8
    scheme: Literal["symmetric", "affine"] = "symmetric"
    granularity: Literal["per_tensor", "per_channel", "per_block"] = "per_channel"
    block_size: Annotated[int, Field(ge=2)] = 32
    weight_threshold: Annotated[int, Field(ge=0)] = 2048


class PalettizedWeights(Frozen):
    """Palettization: a lookup table of 2^nbits values (coremltools ``OpPalettizerConfig``).

    Attributes:
        method: ``"palettization"``.
        nbits: of an index into the table.
        mode: how the table is found; ``unique`` takes the weight's own values and ignores nbits.
        granularity: one table a tensor, or one a group of channels.
        group_size: channels a group.
        per_channel_scale: divide each output channel by its largest magnitude first.
        weight_threshold: weights of fewer elements are left alone.
    """

    method: Literal["palettization"]
    nbits: Literal[1, 2, 3, 4, 6, 8] = 6
    mode: Literal["kmeans", "uniform", "unique"] = "kmeans"
    granularity: Literal["per_tensor", "per_grouped_channel"] = "per_tensor"
    group_size: Annotated[int, Field(ge=1)] = 16
    per_channel_scale: bool = False
    weight_threshold: Annotated[int, Field(ge=0)] = 2048


Weights = Annotated[LinearWeights | PalettizedWeights, Field(discriminator="method")]


class Sparsity(Frozen):
    """Magnitude pruning of weights (coremltools ``OpMagnitudePrunerConfig``): a ratio, or n zeros in every m.

    Attributes:
        target_sparsity: share of zeros.
        n_m_ratio: ``[n, m]``: n zeros in every m weights.
        weight_threshold: weights of fewer elements are left alone.
    """

    target_sparsity: Annotated[float, Field(gt=0, lt=1)] | None = None
    n_m_ratio: tuple[int, int] | None = None
    weight_threshold: Annotated[int, Field(ge=0)] = 2048

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.target_sparsity is None) == (self.n_m_ratio is None):
            raise ValueError("give exactly one of target_sparsity and n_m_ratio")
        if self.n_m_ratio and not 0 < self.n_m_ratio[0] < self.n_m_ratio[1]:
            raise ValueError("n_m_ratio [n, m] means n zeros in every m weights: 0 < n < m")
        return self


class Activations(Frozen):
    """Static int8 activations (W8A8); needs a representative dataset.

    Attributes:
        dtype: of activations between operators.
        observer: how ranges are gathered over the calibration data.
        percentile: share of values, in percent, that the range keeps; for observer ``percentile``.
        scheme: symmetric around zero, which leaves half of the steps to what a ReLU gives; or affine.
    """

    dtype: Literal["int8"] = "int8"
    observer: Literal["min_max", "moving_average", "percentile"] = "min_max"
    percentile: Annotated[float, Field(gt=50, le=100)] = 99.99
    scheme: Literal["symmetric", "affine"] = "symmetric"


class CoremlRule(Selector):
    """Other settings for the layers that it selects; the later of two rules wins.

    Attributes:
        weights: weight compression, or ``"none"`` to leave them; unset leaves what an earlier rule said.
        sparsity: pruning, or ``"none"``.
        activations: ``"none"`` keeps the activations of these layers in float.
        precision: ``"float32"`` keeps these ops in float32 in a float16 program.
    """

    weights: Weights | Literal["none"] | None = None
    sparsity: Sparsity | Literal["none"] | None = None
    activations: Literal["none"] | None = None
    precision: Literal["float32"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(value is None for value in (self.weights, self.sparsity, self.activations, self.precision)):
            raise ValueError("a rule must set weights, sparsity, activations or precision")
        return self


class CoremlQuantization(Quantization):
    """Core ML compression: pruned first, then weights, then activations; with several of them the forms are joint.

    Attributes:
        precision: compute precision of the program.
        weights: how weights are stored.
        sparsity: which weights become zero.
        activations: int8 activations.
        rules: exceptions.
        equalize: scale channels of adjacent convolutions to like ranges before conversion (cross-layer equalization,
            Nagel et al. 2019); needs no data and changes nothing that a float model computes.
    """

    precision: Literal["float32", "float16"] = "float16"
    weights: Weights | None = None
    sparsity: Sparsity | None = None
    activations: Activations | None = None
    rules: tuple[CoremlRule, ...] = ()
    equalize: bool = False

    @property
    def calibrated(self) -> bool:
        """Whether a representative dataset is needed."""
        return self.activations is not None

    def methods(self) -> list[tuple[str, LinearWeights | PalettizedWeights | Sparsity]]:
        """Every weight setting with its dotted path, the rules' included."""
        found: list[tuple[str, Any]] = [("weights", self.weights), ("sparsity", self.sparsity)]
        for index, rule in enumerate(self.rules):
            found += [(f"rules.{index}.weights", rule.weights), (f"rules.{index}.sparsity", rule.sparsity)]
        return [(path, value) for path, value in found if value not in (None, "none")]


_BEFORE_26 = {"iOS": 0, "iPadOS": 0, "tvOS": 0, "watchOS": 7, "macOS": 3, "visionOS": 16}


def ios_generation(minimum_os: str) -> int | None:
    """The iOS version whose Core ML this system has (macOS 15 -> 18, watchOS 11 -> 18); None for Android.

    Source: coremltools ``AvailableTarget``; from version 26 on all systems count alike.
    """
    match = MINIMUM_OS.fullmatch(minimum_os)
    if match is None or match[1] == "Android":
        return None
    version = int(match[2])
    return version if version >= 26 else version + _BEFORE_26[match[1]]


class CoremlTarget(Target):
    """A Core ML ML program for Apple devices.

    Attributes:
        compute_units: where the app will allow the model to run (``MLComputeUnits``).
        states: whether the model itself keeps what it carries from call to call (a decoder's cache) as states; without,
            the app hands its outputs back as inputs.
        input_kind: ``image`` makes an image input with scale and bias as Xcode shows them; ``tensor`` a multi-array.
        suppression: where ``postprocessing = "nms"`` does it: in the ``program``, with outputs as in other formats; or
            in a ``pipeline`` with Core ML's own model for it, whose thresholds are inputs, as Vision takes it.
    """

    format: Literal["coreml"]
    compute_units: Literal["all", "cpu_only", "cpu_and_gpu", "cpu_and_ne"] = "all"
    route: CoremlRoute | Literal[""] = ""
    states: bool = False
    input_kind: Literal["image", "tensor"] = "image"
    suppression: Literal["program", "pipeline"] = "program"
    quantization: CoremlQuantization = CoremlQuantization()

    @property
    def generation(self) -> int:
        """The iOS generation of `minimum_os`."""
        generation = ios_generation(self.minimum_os)
        assert generation is not None
        return generation

    @model_validator(mode="after")
    def _image_inputs_normalize(self) -> Self:
        if self.preprocessing != "none" and self.input_kind == "tensor":
            raise ValueError(
                f'preprocessing = "{self.preprocessing}" is what image inputs do, and input_kind = "tensor" has none: '
                "leave one of the two out"
            )
        return self

    @model_validator(mode="after")
    def _system_holds_it(self) -> Self:
        generation = ios_generation(self.minimum_os)
        if generation is None:
            raise ValueError(f"minimum_os {self.minimum_os!r} does not run Core ML; write an Apple system")
        problems = list(_too_new(self.quantization, generation))
        problems += [("states", 18)] * (self.states and generation < 18)
        if problems:
            raise ValueError(
                "; ".join(f"{what} needs iOS {needs}, minimum_os is {self.minimum_os}" for what, needs in problems)
            )
        return self


def _too_new(quantization: CoremlQuantization, generation: int) -> list[tuple[str, int]]:
    """Settings of `quantization` that Core ML of `generation` cannot hold, with the iOS that can.

    Source: coremltools guide, "What's New" of the optimization workflow: ML programs iOS 15; compressed weights iOS 16;
    W8A8 iOS 17; 4-bit and per-block linear, grouped and 3-bit palettes, per-channel scales and joint forms iOS 18.
    """
    needs: list[tuple[str, int]] = [("an ML program", 15)]
    if quantization.activations:
        needs.append(("quantization.activations (W8A8)", 17))
    methods = quantization.methods()
    for path, value in methods:
        where = f"quantization.{path}"
        needs.append((where, 16))
        if isinstance(value, LinearWeights):
            needs += [(f"{where}.nbits = 4", 18)] * (value.nbits == 4)
            needs += [(f"{where}.granularity = 'per_block'", 18)] * (value.granularity == "per_block")
        elif isinstance(value, PalettizedWeights):
            needs += [(f"{where}.nbits = 3", 18)] * (value.nbits == 3)
            needs += [(f"{where}.granularity = 'per_grouped_channel'", 18)] * (value.granularity != "per_tensor")
            needs += [(f"{where}.per_channel_scale", 18)] * value.per_channel_scale
    kinds = {type(value) for _, value in methods}
    if Sparsity in kinds and len(kinds) > 1:
        needs.append(("sparse weights that are also quantized or palettized (a joint form)", 18))
    return [(what, version) for what, version in needs if version > generation]
