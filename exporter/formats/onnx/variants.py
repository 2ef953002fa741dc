"""What a search may make of an ONNX target."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

from exporter.formats.onnx.settings import OnnxQuantization, OnnxTarget
from exporter.formats.variants import Variant


def variants(target: OnnxTarget) -> tuple[Variant, ...]:
    """The modes of ONNX Runtime's own quantizer, which takes no forms of recipes."""
    return (
        Variant("float16", "float16", "float", partial(_mode, target, "float16"), None),
        Variant("weights", "int8 weights, float activations", "float", partial(_mode, target, "dynamic_int8"), None),
        Variant("int8", "int8 weights and activations", "int8", partial(_mode, target, "static_int8"), None),
    )


def _mode(
    target: OnnxTarget, mode: Literal["float16", "dynamic_int8", "static_int8"], layers: Sequence[str]
) -> OnnxTarget:
    quantization = OnnxQuantization(mode=mode, rules=target.quantization.rules)
    return target.model_copy(update={"quantization": quantization})
