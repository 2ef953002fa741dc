"""TfliteConverter: every TFLite artifact of one source, from one graph a layout."""

from functools import cache
from pathlib import Path

import numpy as np

from exporter.formats.common.layer_names import match_layers
from exporter.formats.common.routes import Taken
from exporter.formats.common.tracing.graph import Example, SourceGraph
from exporter.formats.format import Made
from exporter.formats.tflite.conversion import file as tflite_file
from exporter.formats.tflite.conversion import metadata as tflite_metadata
from exporter.formats.tflite.conversion.routes import FloatModel, float_model
from exporter.formats.tflite.quantization.quantizer import Quantizer, Variant
from exporter.formats.tflite.settings import TfliteTarget


class TfliteConverter:
    """Converts one source; graph and float32 variant are made once a layout."""

    def __init__(self, source: SourceGraph) -> None:
        self.source = source
        self._taken = cache(self._build)
        self._layers = cache(
            lambda layout: match_layers(source.layer_weights, tflite_file.float_weights(self._model(layout).content))
        )
        self._quantizer = cache(self._new_quantizer)
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
        variant = self._variant(target)
        finished = self._finished(variant.content, target.layout)
        path.write_bytes(tflite_metadata.attach_labels(finished, labels) if labels else finished)
        taken = self._taken(target.layout)
        return Made(taken.route, (*taken.notes, *variant.notes))

    def _variant(self, target: TfliteTarget) -> Variant:
        quantization = target.quantization
        if quantization.mode == "float32" and not quantization.rules:
            return Variant(self._model(target.layout).content)
        return self._quantizer(target.layout).variant(quantization)

    def _new_quantizer(self, layout: str) -> Quantizer:
        def examples() -> list[Example]:
            return [self._in_layout(example, layout) for example in self.source.calibration_examples()]

        last = self._channels_last(layout)
        return Quantizer(self._model(layout).content, self._layers(layout), self.source.source.hints, examples, last)

    def _channels_last(self, layout: str) -> frozenset[int]:
        """Positions of the inputs whose channels lie last in the file and first in the source's graph."""
        images = (place for place, spec in enumerate(self.source.description.inputs) if spec.image is not None)
        return frozenset(images) if layout == "NHWC" else frozenset()

    def _in_layout(self, example: Example, layout: str) -> Example:
        last = self._channels_last(layout)
        return tuple(
            np.ascontiguousarray(np.moveaxis(value, 1, -1)) if place in last else value
            for place, value in enumerate(example)
        )

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
