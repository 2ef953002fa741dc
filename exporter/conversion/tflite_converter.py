"""TfliteConverter: every TFLite artifact of one source, from one graph a layout."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch

from exporter.conversion import onnx_graph, tflite, tflite_file, tflite_metadata, tflite_ranges
from exporter.conversion.graph import Example, SourceGraph
from exporter.conversion.layer_names import match_layers
from exporter.conversion.rules import selects
from exporter.conversion.trace import example_tensors
from exporter.errors import UsageProblem
from exporter.sources.load import flatten
from exporter.targets.settings import TfliteQuantization, TfliteTarget


class TfliteConverter:
    """Converts one source; graph and float32 variant are made once a layout."""

    def __init__(self, source: SourceGraph) -> None:
        self.source = source
        self._graph = cache(self._build)
        self._float = cache(lambda layout: tflite.convert(self._graph(layout), TfliteQuantization(), []))
        self._layers = cache(
            lambda layout: match_layers(source.layer_weights, tflite_file.float_weights(self._float(layout)))
        )
        self._order = cache(lambda layout: tflite_file.weighted_tensors(self._float(layout)))
        self._twin = cache(lambda layout: self._finished(self._float(layout), layout))

    def convert(self, target: TfliteTarget, path: Path, twin: Path) -> None:
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

    def _variant(self, target: TfliteTarget) -> bytes:
        graph, quantization = self._graph(target.layout), target.quantization
        examples = [
            _in_layout(example, target.layout, graph) for example in self.source.calibration_examples()
        ] if quantization.calibrated else []  # fmt: skip
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

    def _build(self, layout: str) -> tflite.TfliteGraph:
        description = self.source.description
        sample = tuple(tensor.numpy() for tensor in example_tensors(description.inputs))
        if self.source.source.onnx_path is not None:
            model = onnx_graph.read_onnx(self.source.source.onnx_path, description.inputs)
            expected = onnx_graph.run_onnx(
                model, {spec.name: value for spec, value in zip(description.inputs, sample, strict=True)}
            )
        else:
            model = onnx_graph.to_onnx(self.source.traced, description.inputs, description.outputs)
            with torch.no_grad():
                expected = [tensor.numpy() for tensor in flatten(self.source.traced(*map(torch.from_numpy, sample)))]
        return tflite.build_graph(model, description.inputs, description.outputs, layout, sample, expected)


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
