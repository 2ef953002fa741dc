"""Target and its parts: frozen data that says what a format, an operating system and a team ask of an artifact."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from exporter.data.errors import UsageProblem
from exporter.data.units import parse_energy, parse_size, parse_time


class Settings(BaseModel):
    """Frozen, closed settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _quantity(parse: Any, number: type) -> BeforeValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, str):
            try:
                return parse(value)
            except UsageProblem as error:
                raise ValueError(str(error)) from error
        if isinstance(value, number) and not isinstance(value, bool):
            return value
        raise ValueError("write a quantity with its unit, in quotes")

    return BeforeValidator(convert)


_UNIT_SCHEMA = {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*[A-Za-z]+\s*$"}
Size = Annotated[
    int,
    _quantity(parse_size, int),
    WithJsonSchema({**_UNIT_SCHEMA, "description": "a size such as '4 MB' (10^6 bytes) or '4 MiB' (2^20 bytes)"}),
]
Duration = Annotated[
    float, _quantity(parse_time, float), WithJsonSchema({**_UNIT_SCHEMA, "description": "such as '10 ms'"})
]
Energy = Annotated[
    float, _quantity(parse_energy, float), WithJsonSchema({**_UNIT_SCHEMA, "description": "such as '3 mJ'"})
]


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return value


Pattern = Annotated[str, BeforeValidator(_pattern)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Tolerances(Settings):
    """How far an artifact may be from its source.

    Attributes:
        snr_db: least signal-to-noise ratio of the outputs, in dB.
        cosine: least cosine similarity of the outputs, averaged over examples.
        max_abs_error: largest absolute difference of any output element.
        top1_agreement: least share of examples on which artifact and source name the same class.
        top1_drop_points: most percentage points of top-1 accuracy lost against the source; needs labels.
        top5_drop_points: the same for top-5.
    """

    snr_db: float | None = None
    cosine: Annotated[float, Field(ge=-1, le=1)] | None = None
    max_abs_error: Annotated[float, Field(ge=0)] | None = None
    top1_agreement: Fraction | None = None
    top1_drop_points: float | None = None
    top5_drop_points: float | None = None


class Budgets(Settings):
    """What an artifact may cost. Latency, memory and energy are judged on devices of the target's kind.

    Attributes:
        size: bytes of the file or package as written.
        download: bytes that the artifact adds to a compressed store download.
        latency_p50: median time of one inference.
        latency_p90: 90th percentile of the time of one inference.
        peak_memory: most memory that the model adds: growth of the process's peak over what it had before it loaded
            the model (resident memory; on Apple systems the footprint).
        energy: energy of one inference.
        neural_engine: least share, in [0, 1], of the estimated cost that the Neural Engine must take.
    """

    size: Size | None = None
    download: Size | None = None
    latency_p50: Duration | None = None
    latency_p90: Duration | None = None
    peak_memory: Size | None = None
    energy: Energy | None = None
    neural_engine: Fraction | None = None


class Selector(Settings):
    """Which layers a rule is for: exactly one of an operator type and a name pattern.

    Attributes:
        op_type: operator type of the format: ``conv`` (Core ML MIL), ``CONV_2D`` (TFLite).
        op_name: regular expression searched in the layer's name, which is the PyTorch module's dotted name.
    """

    op_type: str | None = None
    op_name: Pattern | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.op_type is None) == (self.op_name is None):
            raise ValueError("give exactly one of op_type and op_name")
        return self


class TfliteRule(Selector):
    """Keeps the layers that it selects in float."""

    keep: Literal["float32"] = "float32"


class TfliteQuantization(Settings):
    """TFLite post-training quantization (LiteRT docs, "Post-training quantization").

    Attributes:
        mode: ``dynamic_range`` is int8 weights with float activations; ``int8`` is full-integer and needs a
            representative dataset, as does ``int16x8`` (int16 activations, int8 weights).
        granularity: of int8 weights.
        input_type: type of the model's inputs; integers only with ``int8`` and ``int16x8``.
        output_type: type of the model's outputs, likewise.
        rules: layers to keep in float; only with ``int8`` and ``int16x8``.
    """

    mode: Literal["float32", "float16", "dynamic_range", "int8", "int16x8"] = "float32"
    granularity: Literal["per_channel", "per_tensor"] = "per_channel"
    input_type: Literal["float32", "int8", "uint8", "int16"] = "float32"
    output_type: Literal["float32", "int8", "uint8", "int16"] = "float32"
    rules: tuple[TfliteRule, ...] = ()

    @property
    def calibrated(self) -> bool:
        """Whether a representative dataset is needed."""
        return self.mode in ("int8", "int16x8")

    @model_validator(mode="after")
    def _holds(self) -> Self:
        allowed = {"int8": {"float32", "int8", "uint8"}, "int16x8": {"float32", "int16"}}.get(self.mode, {"float32"})
        for key in ("input_type", "output_type"):
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key} {getattr(self, key)!r} cannot be had with mode {self.mode!r}; "
                                 f"it can be {' or '.join(sorted(allowed))}")  # fmt: skip
        if self.rules and not self.calibrated:
            raise ValueError(f"rules keep layers of int8 and int16x8 models in float; mode {self.mode!r} has none")
        if self.granularity == "per_tensor" and not self.calibrated:
            raise ValueError("per_tensor granularity is for modes int8 and int16x8")
        return self


class LinearWeights(Settings):
    """Linear weight quantization (coremltools ``OpLinearQuantizerConfig``)."""

    method: Literal["linear"]
    nbits: Literal[8, 4] = 8
    scheme: Literal["symmetric", "affine"] = "symmetric"
    granularity: Literal["per_tensor", "per_channel", "per_block"] = "per_channel"
    block_size: Annotated[int, Field(ge=2)] = 32
    weight_threshold: Annotated[int, Field(ge=0)] = 2048


class PalettizedWeights(Settings):
    """Palettization: a lookup table of 2^nbits values (coremltools ``OpPalettizerConfig``).

    Attributes:
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


class Sparsity(Settings):
    """Magnitude pruning of weights (coremltools ``OpMagnitudePrunerConfig``): a ratio, or n zeros in every m."""

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


class Activations(Settings):
    """Static int8 activations (W8A8); needs a representative dataset.

    Attributes:
        observer: how ranges are gathered over the calibration data.
        percentile: share of values, in percent, that the range keeps; for observer ``percentile``.
        scheme: symmetric around zero, or affine.
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


class CoremlQuantization(Settings):
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


_MINIMUM_OS = re.compile(r"(iOS|iPadOS|tvOS|watchOS|macOS|visionOS|Android) ([0-9]{1,2})(?:\.[0-9]+)?")
_BEFORE_26 = {"iOS": 0, "iPadOS": 0, "tvOS": 0, "watchOS": 7, "macOS": 3, "visionOS": 16}


def ios_generation(minimum_os: str) -> int | None:
    """The iOS version whose Core ML this system has (macOS 15 -> 18, watchOS 11 -> 18); None for Android.

    Source: coremltools ``AvailableTarget``; from version 26 on all systems count alike.
    """
    match = _MINIMUM_OS.fullmatch(minimum_os)
    if match is None or match[1] == "Android":
        return None
    version = int(match[2])
    return version if version >= 26 else version + _BEFORE_26[match[1]]


class _TargetBase(Settings):
    name: str
    description: str = ""
    minimum_os: str
    recipe: str | None = None
    device: str | None = None
    tolerances: Tolerances = Tolerances()
    budgets: Budgets = Budgets()

    @model_validator(mode="after")
    def _known_system(self) -> Self:
        if not _MINIMUM_OS.fullmatch(self.minimum_os):
            raise ValueError(
                f"minimum_os {self.minimum_os!r} is not a system with a version, such as 'iOS 17' or 'Android 12'"
            )
        return self


class CoremlTarget(_TargetBase):
    """A Core ML ML program for Apple devices.

    Attributes:
        compute_units: where the app will allow the model to run (``MLComputeUnits``).
        input_kind: ``image`` makes an image input with scale and bias as Xcode shows them; ``tensor`` a multi-array.
    """

    format: Literal["coreml"]
    compute_units: Literal["all", "cpu_only", "cpu_and_gpu", "cpu_and_ne"] = "all"
    input_kind: Literal["image", "tensor"] = "image"
    quantization: CoremlQuantization = CoremlQuantization()

    @property
    def generation(self) -> int:
        """The iOS generation of `minimum_os`."""
        generation = ios_generation(self.minimum_os)
        assert generation is not None
        return generation

    @model_validator(mode="after")
    def _system_holds_it(self) -> Self:
        generation = ios_generation(self.minimum_os)
        if generation is None:
            raise ValueError(f"minimum_os {self.minimum_os!r} does not run Core ML; write an Apple system")
        problems = list(_too_new(self.quantization, generation))
        if problems:
            raise ValueError("; ".join(f"{what} needs iOS {needs}, minimum_os is {self.minimum_os}"
                                       for what, needs in problems))  # fmt: skip
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


class TfliteTarget(_TargetBase):
    """A TensorFlow Lite (LiteRT) model for Android or embedded Linux.

    Attributes:
        compute_units: the accelerator that the app asks for.
        layout: of image inputs and outputs; TFLite's own kernels are ``NHWC``.
    """

    format: Literal["tflite"]
    compute_units: Literal["cpu", "gpu", "npu"] = "cpu"
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    quantization: TfliteQuantization = TfliteQuantization()

    @model_validator(mode="after")
    def _accelerator_holds_it(self) -> Self:
        if self.compute_units == "gpu" and self.quantization.mode == "int16x8":
            raise ValueError("the GPU delegate has no int16x8 kernels: use float16, float32 or int8")
        return self


Target = Annotated[CoremlTarget | TfliteTarget, Field(discriminator="format")]
