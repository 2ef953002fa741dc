"""OnnxConverter: every ONNX artifact of one source, from one float32 model an opset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from exporter.data.facts.compression import LeftAlone
from exporter.data.facts.inspection import Inspection
from exporter.formats.common.routes import Taken
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.format import Made
from exporter.formats.onnx.conversion.floats import float_model
from exporter.formats.onnx.conversion.pixels import taking_pixels
from exporter.formats.onnx.conversion.ranges import learned_ranges
from exporter.formats.onnx.conversion.variants import PRODUCT, to_dynamic_int8, to_float16, to_static_int8
from exporter.formats.onnx.metadata import described
from exporter.formats.onnx.nodes import selected
from exporter.formats.onnx.settings import OnnxTarget


class OnnxConverter:
    """Implements `Converter`; the float32 model is made once for an opset and an IR version."""

    def __init__(self, source: SourceGraph) -> None:
        self.source = source
        self._floats: dict[tuple[int, int, str], Taken[Any]] = {}

    def convert(self, target: OnnxTarget, path: Path, twin: Path) -> Made:
        """See `Converter.convert`."""
        made = self._float(target)
        self._save(made.model, target, twin)
        kept = selected(made.model.graph.node, target.quantization.rules)
        self._save(self._variant(made.model, target, kept), target, path)
        return Made(made.route, made.notes, lambda inspection: _left_alone(inspection, target, kept))

    def _float(self, target: OnnxTarget) -> Taken[Any]:
        key = target.opset, target.ir_version, target.route
        if key not in self._floats:
            self._floats[key] = float_model(self.source, *key)
        return self._floats[key]

    def _variant(self, model: Any, target: OnnxTarget, kept: Sequence[str]) -> Any:
        quantization = target.quantization
        match quantization.mode:
            case "float32":
                return model
            case "float16":
                return to_float16(model, kept)
            case "dynamic_int8":
                return to_dynamic_int8(model, quantization, kept)
            case "static_int8":
                names = [spec.name for spec in self.source.description.inputs]
                examples = [dict(zip(names, one, strict=True)) for one in self.source.calibration_examples()]
                learned = learned_ranges(model, self.source.source.hints)
                return to_static_int8(model, quantization, kept, examples, learned)

    def _save(self, model: Any, target: OnnxTarget, path: Path) -> None:
        description = self.source.description
        if target.preprocessing == "normalization":
            model = taking_pixels(model, description.inputs[0])
        onnx.save(described(model, description, self.source.source.settings, target.preprocessing), str(path))


def _left_alone(inspection: Inspection, target: OnnxTarget, kept: Sequence[str]) -> tuple[LeftAlone, ...]:
    """Weights that stayed plain floats in an int8 model, with the reason."""
    if not target.quantization.integer:
        return ()
    floats = (item for item in inspection.weights if item.kind == "weight" and item.dtype.startswith("float"))
    return tuple(
        LeftAlone(name=item.layer, reason=_reason(item.layer, kept), size_bytes=item.size_bytes) for item in floats
    )


def _reason(node: str, kept: Sequence[str]) -> str:
    by_rule = node.removesuffix(PRODUCT) in kept
    return "a rule leaves it alone" if by_rule else "ONNX Runtime quantizes no such operator"
