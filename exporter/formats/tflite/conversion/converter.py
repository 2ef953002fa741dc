"""TfliteConverter: every TFLite artifact of one source, from one graph a layout."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from exporter.data.errors import UsageProblem
from exporter.formats.common.layer_names import match_layers
from exporter.formats.common.routes import Taken
from exporter.formats.common.rules import selects
from exporter.formats.common.tracing.graph import Example, SourceGraph
from exporter.formats.format import Made
from exporter.formats.tflite.conversion import file as tflite_file
from exporter.formats.tflite.conversion import metadata as tflite_metadata
from exporter.formats.tflite.conversion import ranges as tflite_ranges
from exporter.formats.tflite.conversion import variants as tflite
from exporter.formats.tflite.conversion.routes import FloatModel, float_model
from exporter.formats.tflite.settings import TfliteQuantization, TfliteTarget


class TfliteConverter:
    """Converts one source; graph and float32 variant are made once a layout."""

    def __init__(self, source: SourceGraph) -> None:
        self.source = source
        self._taken = cache(self._build)
        self._layers = cache(
            lambda layout: match_layers(source.layer_weights, tflite_file.float_weights(self._model(layout).content))
        )
        self._order = cache(lambda layout: tflite_file.weighted_tensors(self._model(layout).content))
        self._twin = cache(lambda layout: self._finished(self._model(layout).content, layout))

    def convert(self, target: TfliteTarget, path: Path, twin: Path) -> Made:
        """Write the artifact to `path`, and the float32 model in the same layout to `twin`.

        Raises:
            UsageProblem: calibration data is missing, or a rule selects nothing.
            ToolError: a converter failed.
        """
        plain = self._twin(target.layout)
        twin.write_bytes(plain)
        labels = self.source.description.labels
        is_float = target.quantization.mode == "float32"
        finished = plain if is_float else self._finished(self._variant(target), target.layout)
        path.write_bytes(tflite_metadata.attach_labels(finished, labels) if labels else finished)
        taken = self._taken(target.layout)
        return Made(taken.route, taken.notes)

    def _variant(self, target: TfliteTarget) -> bytes:
        graph, quantization = self._model(target.layout).graph, target.quantization
        drawn = self.source.calibration_examples() if quantization.calibrated else ()
        examples = [_in_layout(example, target.layout, graph) for example in drawn]
        layers = self._layers(target.layout)
        nodes = _kept_nodes(quantization, layers)
        types = [rule.op_type for rule in quantization.rules if rule.op_type]
        hints = self.source.source.hints
        if hints.activations and quantization.mode == "int8":
            return tflite_ranges.convert_with_ranges(
                graph, quantization, examples, hints, kept_nodes=nodes, kept_types=types
            )
        if nodes or types:
            return tflite.convert_with_floats(graph, quantization, examples, nodes, types)
        return tflite.convert(graph, quantization, examples)

    def _finished(self, content: bytes, layout: str) -> bytes:
        description, settings = self.source.description, self.source.source.settings
        data = tflite_metadata.metadata(
            description.spec, settings, description.inputs, description.outputs, description.labels
        )
        names = [spec.name for spec in description.inputs]
        text = settings.description or f"{description.spec}, exported by mobile-export"
        order = self._order(layout)
        return tflite_file.finish(content, names, description.outputs, self._layers(layout), order, data, text)

    def _model(self, layout: str) -> FloatModel:
        return self._taken(layout).model

    def _build(self, layout: str) -> Taken[FloatModel]:
        description = self.source.description
        sample = self.source.sample()
        forms, wanted = self.source.onnx_forms(), self.source.outputs_of(sample)
        return float_model(forms, description.inputs, description.outputs, layout, sample, wanted)


def _kept_nodes(quantization: TfliteQuantization, layers: Mapping[str, str]) -> list[str]:
    """Tensors written by layers that rules keep in float; a rule that selects none is an error."""
    nodes = []
    for index, rule in enumerate(quantization.rules):
        found = [node for node, layer in layers.items() if rule.op_name and selects(rule, "", layer)]
        if rule.op_name and not found:
            raise UsageProblem(
                f"quantization.rules.{index}: op_name {rule.op_name!r} matches no layer; "
                f"layers are named like {', '.join(list(layers.values())[:3]) or '(none could be named)'}."
            )
        nodes += found
    return nodes


def _in_layout(example: Sequence[np.ndarray], layout: str, graph: tflite.TfliteGraph) -> Example:  # type: ignore[type-arg]
    return tuple(
        np.ascontiguousarray(np.moveaxis(value, 1, -1)) if spec.image and layout == "NHWC" else value
        for spec, value in zip(graph.inputs, example, strict=True)
    )
