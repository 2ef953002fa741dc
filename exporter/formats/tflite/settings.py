"""Settings of a TFLite target: what an app on Android or embedded Linux may be given."""

from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from exporter.data.base import Frozen
from exporter.data.facts.source import SourceDescription
from exporter.data.settings.model import Layout
from exporter.data.settings.target import Quantization, Selector, Target
from exporter.formats.tflite.runtimes import (
    DETECTION_POSTPROCESS,
    DYNAMIC_RANGE,
    FOUR_BIT_WEIGHTS,
    INT16X8,
    Requirement,
    refusal,
    runtime_order,
)

Builder = Literal["direct", "exact", "tensorflow"]
"""From ONNX: onnx2tf's direct builder; TensorFlow, operator by operator, by this program; TensorFlow, by onnx2tf."""
TfliteRoute = Literal[
    "trace+direct",
    "trace+exact",
    "trace+tensorflow",
    "dynamo+direct",
    "dynamo+exact",
    "dynamo+tensorflow",
    "core+direct",
    "core+exact",
    "core+tensorflow",
    "onnx+direct",
    "onnx+exact",
    "onnx+tensorflow",
]


class TfliteWeights(Frozen):
    """How weights are stored beside float activations; per output channel, symmetric.

    Attributes:
        nbits: of a stored weight. With 4, layers that LiteRT has no 4-bit kernel for (all but CONV_2D of one group and
            FULLY_CONNECTED) have 8. Rounding to 4 bits alone loses much: train them with a recipe.
    """

    nbits: Literal[8, 4] = 8


class TfliteRule(Selector):
    """Stores the layers that it selects otherwise; the later of two rules wins.

    Attributes:
        keep: the type that they are kept in; without `keep` and `nbits`, ``float32``. ``float16`` is for modes with
            float activations.
        nbits: of their weights, however few; for modes with float activations.
    """

    keep: Literal["float32", "float16"] | None = None
    nbits: Literal[8, 4] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.keep and self.nbits:
            raise ValueError("give one of keep and nbits")
        return self

    @property
    def bits(self) -> int:
        """Of the weights of the layers that it selects."""
        return self.nbits or (16 if self.keep == "float16" else 32)


class TfliteQuantization(Quantization):
    """TFLite post-training quantization (LiteRT docs, "Post-training quantization").

    Attributes:
        mode: ``dynamic_range`` is integer weights with float activations, which `weights` alone also asks for; ``int8``
            is full-integer and needs a representative dataset, as does ``int16x8`` (int16 activations, int8 weights).
        weights: with ``dynamic_range``; 8 bits where it is not given.
        granularity: of int8 weights; ``per_tensor`` only with ``int8`` and ``int16x8``.
        input_type: type of the model's inputs; integers only with ``int8`` and ``int16x8``.
        output_type: type of the model's outputs, likewise.
        rules: layers to keep in float or to store in other bits.
        mixed_outputs: with ``int8``, how outputs are computed that join values of different magnitudes, such as boxes
            in pixels and scores in [0, 1]: ``int8`` gives them one scale, which leaves the smaller ones few steps.
    """

    mode: Literal["float32", "float16", "dynamic_range", "int8", "int16x8"] = "float32"
    weights: TfliteWeights | None = None
    granularity: Literal["per_channel", "per_tensor"] = "per_channel"
    input_type: Literal["float32", "int8", "uint8", "int16"] = "float32"
    output_type: Literal["float32", "int8", "uint8", "int16"] = "float32"
    rules: tuple[TfliteRule, ...] = ()
    mixed_outputs: Literal["float32", "int8"] = "float32"

    @property
    def calibrated(self) -> bool:
        """Whether a representative dataset is needed."""
        return self.mode in ("int8", "int16x8")

    @property
    def weight_bits(self) -> int:
        """Of weights that no rule selects."""
        if self.mode in ("float32", "float16"):
            return 32 if self.mode == "float32" else 16
        return self.weights.nbits if self.weights else 8

    def requirements(self) -> list[Requirement]:
        """What a runtime must know to compute it."""
        stored = {self.weight_bits, *(rule.bits for rule in self.rules)} if not self.calibrated else set()
        needed = {FOUR_BIT_WEIGHTS: 4 in stored, DYNAMIC_RANGE: 8 in stored, INT16X8: self.mode == "int16x8"}
        return [requirement for requirement, is_needed in needed.items() if is_needed]

    @model_validator(mode="before")
    @classmethod
    def _of_weights(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("weights") and "mode" not in given:
            return {**given, "mode": "dynamic_range"}
        return given

    @model_validator(mode="after")
    def _holds(self) -> Self:
        allowed = {"int8": {"float32", "int8", "uint8"}, "int16x8": {"float32", "int16"}}.get(self.mode, {"float32"})
        for key in ("input_type", "output_type"):
            if getattr(self, key) not in allowed:
                raise ValueError(
                    f"{key} {getattr(self, key)!r} cannot be had with mode {self.mode!r}; "
                    f"it can be {' or '.join(sorted(allowed))}"
                )
        if self.granularity == "per_tensor" and not self.calibrated:
            raise ValueError("per_tensor granularity is for modes int8 and int16x8")
        if self.weights and self.mode != "dynamic_range":
            raise ValueError(
                f"weights are for mode 'dynamic_range' and not for {self.mode!r}: leave one of the two out"
            )
        return self

    @model_validator(mode="after")
    def _rules_fit(self) -> Self:
        for index, rule in enumerate(self.rules):
            if self.calibrated and rule.bits != 32:
                raise ValueError(
                    f"rules.{index}: layers of mode {self.mode!r} can be kept in float32 and nothing else; nbits and "
                    "float16 are for the modes with float activations (float32, float16, dynamic_range)"
                )
        return self


class TfliteTarget(Target):
    """A TensorFlow Lite (LiteRT) model for Android or embedded Linux.

    Attributes:
        compute_units: the accelerator that the app asks for.
        minimum_runtime: least runtime that apps bring along or Google Play services give, such as ``LiteRT 1.4`` or
            ``TFLite 2.17``; Android itself has none. What it cannot run is refused.
        layout: of image inputs and outputs; TFLite's own kernels are ``NHWC``. What is carried keeps the source's.
        suppression: what does it where ``postprocessing = "nms"``: ``builtin`` operators, with outputs as in other
            formats; or ``detection_postprocess``, the custom operator TFLite_Detection_PostProcess, with the outputs
            and metadata that MediaPipe's and the Task Library's object detectors read (`docs/detection.md`).
    """

    format: Literal["tflite"]
    compute_units: Literal["cpu", "gpu", "npu"] = "cpu"
    minimum_runtime: str = "LiteRT 2.1"
    route: TfliteRoute | Literal[""] = ""
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    suppression: Literal["builtin", "detection_postprocess"] = "builtin"
    quantization: TfliteQuantization = TfliteQuantization()

    @model_validator(mode="after")
    def _runtime_holds_it(self) -> Self:
        needed = self.quantization.requirements()
        needed += [DETECTION_POSTPROCESS] * (self.suppression == "detection_postprocess")
        found = [refusal(one, self.minimum_runtime, self.compute_units) for one in needed]
        problems = [problem for problem in found if problem]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _takes_bytes(self) -> Self:
        if self.preprocessing != "none" and self.quantization.input_type != "float32":
            raise ValueError(
                f'preprocessing = "{self.preprocessing}" makes an input of bytes (uint8) in every mode: leave '
                f"quantization.input_type = {self.quantization.input_type!r} out"
            )
        return self

    @model_validator(mode="after")
    def _suppresses(self) -> Self:
        if self.suppression != "builtin" and self.postprocessing != "nms":
            raise ValueError(
                f'suppression = "{self.suppression}" is for postprocessing = "nms", and it is "{self.postprocessing}": '
                "change one of the two"
            )
        return self

    @field_validator("minimum_runtime")
    @classmethod
    def _known_runtime(cls, value: str) -> str:
        runtime_order(value)
        return value


def layout_of(target: TfliteTarget, source: SourceDescription) -> Layout:
    """Of images and of outputs of four dimensions; the source's where an app hands outputs back to inputs."""
    return "NCHW" if _carried_maps(source) else target.layout


def layout_problem(target: TfliteTarget, source: SourceDescription) -> str | None:
    """Why `source` cannot have the layout that a target asks for, as a sentence; None when it can."""
    carried = _carried_maps(source)
    if target.layout == "NCHW" or not carried or not any(spec.image for spec in source.inputs):
        return None
    return (
        f"model {source.spec} takes images and carries {', '.join(carried)}, whose outputs would have their "
        'channels last and not fit the inputs. Set layout = "NCHW".'
    )


def _carried_maps(source: SourceDescription) -> list[str]:
    """Carried inputs of four dimensions: inputs that are no images keep their layout, and outputs would not."""
    return [spec.name for spec in source.inputs if spec.name in source.carried and len(spec.shape) == 4]
