"""Settings of a TFLite target: what an app on Android or embedded Linux may be given."""

from typing import Literal, Self

from pydantic import model_validator

from exporter.data.settings.target import Quantization, Selector, Target

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


class TfliteRule(Selector):
    """Keeps the layers that it selects in float.

    Attributes:
        keep: the type that they are kept in.
    """

    keep: Literal["float32"] = "float32"


class TfliteQuantization(Quantization):
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
                raise ValueError(
                    f"{key} {getattr(self, key)!r} cannot be had with mode {self.mode!r}; "
                    f"it can be {' or '.join(sorted(allowed))}"
                )
        if self.rules and not self.calibrated:
            raise ValueError(f"rules keep layers of int8 and int16x8 models in float; mode {self.mode!r} has none")
        if self.granularity == "per_tensor" and not self.calibrated:
            raise ValueError("per_tensor granularity is for modes int8 and int16x8")
        return self


class TfliteTarget(Target):
    """A TensorFlow Lite (LiteRT) model for Android or embedded Linux.

    Attributes:
        compute_units: the accelerator that the app asks for.
        layout: of image inputs and outputs; TFLite's own kernels are ``NHWC``.
    """

    format: Literal["tflite"]
    compute_units: Literal["cpu", "gpu", "npu"] = "cpu"
    route: TfliteRoute | Literal[""] = ""
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    quantization: TfliteQuantization = TfliteQuantization()

    @model_validator(mode="after")
    def _accelerator_holds_it(self) -> Self:
        if self.compute_units == "gpu" and self.quantization.mode == "int16x8":
            raise ValueError("the GPU delegate has no int16x8 kernels: use float16, float32 or int8")
        return self
