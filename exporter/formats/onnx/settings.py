"""Settings of an ONNX target: what an app with ONNX Runtime, on Android or Apple systems, may be given."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.data.settings.target import Fraction, Quantization, Selector, Target


class OnnxRule(Selector):
    """Keeps the nodes that it selects in float32; `op_type` is ONNX's, such as ``Conv``.

    Attributes:
        keep: the type that they are kept in.
    """

    keep: Literal["float32"] = "float32"


class OnnxQuantization(Quantization):
    """Forms of ``onnxruntime.quantization`` and of ``onnxruntime.transformers.float16``.

    Attributes:
        mode: ``dynamic_int8`` is int8 weights, with activations quantized anew in every run; ``static_int8`` is int8
            weights and activations with ranges from a representative dataset.
        granularity: of int8 weights.
        activation_type: of ``static_int8``.
        observer: how ``static_int8`` gathers ranges over the calibration data.
        percentile: share of values that the range keeps; for observer ``percentile``.
        rules: nodes to keep in float32.
    """

    mode: Literal["float32", "float16", "dynamic_int8", "static_int8"] = "float32"
    granularity: Literal["per_channel", "per_tensor"] = "per_channel"
    activation_type: Literal["int8", "uint8"] = "int8"
    observer: Literal["min_max", "entropy", "percentile"] = "min_max"
    percentile: Annotated[Fraction, Field(gt=0.5)] = 0.9999
    rules: tuple[OnnxRule, ...] = ()

    @property
    def calibrated(self) -> bool:
        """Whether a representative dataset is needed."""
        return self.mode == "static_int8"

    @property
    def integer(self) -> bool:
        """Whether weights become int8."""
        return self.mode in ("dynamic_int8", "static_int8")

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if self.rules and self.mode == "float32":
            raise ValueError("rules keep nodes in float32; mode 'float32' has no others")
        if self.granularity == "per_tensor" and not self.integer:
            raise ValueError("per_tensor granularity is for modes dynamic_int8 and static_int8")
        given = self.model_fields_set & {"activation_type", "observer", "percentile"}
        if given and not self.calibrated:
            raise ValueError(f"{' and '.join(sorted(given))} can be set with mode 'static_int8' alone")
        return self


_RUNTIMES: tuple[tuple[int, int, int], ...] = ((8, 14, 7), (9, 15, 7), (12, 17, 8))
"""Minor version of ONNX Runtime 1, an opset and an IR version that it and every later one load.

Source: https://onnxruntime.ai/docs/reference/compatibility.html; nothing here needs more than the last row."""


OnnxRoute = Literal["trace", "dynamo", "core", "onnx"]


class OnnxTarget(Target):
    """A model for ONNX Runtime on phones.

    Attributes:
        compute_units: what the app asks for: ONNX Runtime's own kernels, XNNPACK, or ``npu``, which is NNAPI on Android
            and Apple's execution provider on Apple systems.
        minimum_runtime: oldest ONNX Runtime that must load the file; it decides opset and IR version.
    """

    format: Literal["onnx"]
    compute_units: Literal["cpu", "xnnpack", "npu"] = "cpu"
    route: OnnxRoute | Literal[""] = ""
    minimum_runtime: Annotated[str, Field(pattern=r"^1\.[0-9]{1,2}$")] = "1.17"
    quantization: OnnxQuantization = OnnxQuantization()

    @property
    def opset(self) -> int:
        """The opset of ``ai.onnx`` that `minimum_runtime` holds."""
        return self._row[1]

    @property
    def ir_version(self) -> int:
        """The IR version, likewise."""
        return self._row[2]

    @property
    def _minor(self) -> int:
        return int(self.minimum_runtime.partition(".")[2])

    @property
    def _row(self) -> tuple[int, int, int]:
        return [row for row in _RUNTIMES if row[0] <= self._minor][-1]

    @model_validator(mode="after")
    def _runtime_is_known(self) -> Self:
        oldest = _RUNTIMES[0][0]
        if self._minor < oldest:
            raise ValueError(f"minimum_runtime {self.minimum_runtime!r}: the oldest that can be had is 1.{oldest}")
        return self
