"""What the gates say about a target in its format's own words."""

from exporter.data.advice import Advice
from exporter.data.target import CoremlTarget, Target, TfliteTarget

_SLOW = {
    "int16x8": "LiteRT runs int16x8 in reference kernels",
    "dynamic_range": "activations are quantized anew in every operator",
}
_FLOAT16 = (
    "float16 ends at 65504: keep the operation that overflows in float32, with "
    'quantization.rules = [{ op_name = "LAYER", precision = "float32" }], or set precision = "float32"'
)


def advice_for(target: Target) -> Advice:
    """Facts and words of `target`'s format."""
    return _of_tflite(target) if isinstance(target, TfliteTarget) else _of_coreml(target)


def _of_tflite(target: TfliteTarget) -> Advice:
    mode = target.quantization.mode
    return Advice(
        compresses=mode != "float32",
        integer_mode=mode if target.quantization.calibrated else "",
        slow_because=_SLOW.get(mode, ""),
        keep_float='rules of keep = "float32" for CONCATENATION',
    )


def _of_coreml(target: CoremlTarget) -> Advice:
    quantization = target.quantization
    words = {"on_overflow": _FLOAT16} if quantization.precision == "float16" else {}
    return Advice(
        compresses=bool(quantization.methods() or quantization.activations),
        keep_float='rules of precision = "float32" and activations = "none" for concat',
        **words,
    )
