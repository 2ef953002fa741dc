"""TfliteConverter: every TFLite artifact of one source, from one float32 flatbuffer a layout."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec
from exporter.data.settings.target import Preprocessing
from exporter.execution.memory import give_back
from exporter.formats.common.layer_names import match_layers
from exporter.formats.common.refusals import RefusedError
from exporter.formats.common.routes import Taken
from exporter.formats.common.tracing.graph import Example, SourceGraph
from exporter.formats.format import Made
from exporter.formats.tflite.conversion import file as tflite_file
from exporter.formats.tflite.conversion import metadata as tflite_metadata
from exporter.formats.tflite.conversion.check import loadable
from exporter.formats.tflite.conversion.opened import opened
from exporter.formats.tflite.conversion.pixels import taking_pixels
from exporter.formats.tflite.conversion.routes import Conversion
from exporter.formats.tflite.quantization.quantizer import Quantizer, Variant
from exporter.formats.tflite.settings import Builder, TfliteTarget, layout_of


class _Form(NamedTuple):
    """What decides a float32 model of a source."""

    layout: str
    route: str
    builders: tuple[Builder, ...] = get_args(Builder)


class TfliteConverter:
    """Converts one source; the float32 model is made once a layout and route."""

    def __init__(self, source: SourceGraph) -> None:
        self.source = source
        self._taken = cache(self._build)
        self._layers = cache(
            lambda form: match_layers(source.layer_weights, tflite_file.float_weights(self._content(form)))
        )
        self._order = cache(lambda form: tflite_file.weighted_tensors(self._content(form)))
        self._quantizer = cache(self._quantizer_of)
        self._twin = cache(lambda form, before: self._finished(self._content(form), form, before))

    def convert(self, target: TfliteTarget, path: Path, twin: Path) -> Made:
        """Write the artifact to `path`, and the float32 model in the same layout to `twin`.

        Raises:
            UsageProblem: calibration data is missing, a rule selects nothing, or the route is none of this source's.
            ToolError: a converter failed.
        """
        form, variant = self._quantized(target, _Form(layout_of(target, self.source.description), target.route))
        before = target.preprocessing
        plain = self._twin(form, before)
        twin.write_bytes(plain)
        labels = self.source.description.labels
        finished = plain if variant.content is self._content(form) else self._finished(variant.content, form, before)
        path.write_bytes(tflite_metadata.attach_labels(finished, labels) if labels else finished)
        taken = self._taken(form)
        return Made(taken.route, (*taken.notes, *variant.notes))

    def _quantized(self, target: TfliteTarget, form: _Form) -> tuple[_Form, Variant]:
        """The variant; of a file by TensorFlow's converter where that of the direct builder cannot be quantized."""
        try:
            return form, self._variant(target, form)
        except RefusedError as refused:
            route = self._taken(form).route
            if target.route or not route.endswith("+direct"):
                raise
            form = form._replace(builders=tuple(builder for builder in form.builders if builder != "direct"))
            try:
                variant = self._variant(target, form)
            except ToolError:
                raise refused from None
            note = f"{route} was passed over: {refused.fact}"
            return form, Variant(variant.content, (note, *variant.notes))

    def _variant(self, target: TfliteTarget, form: _Form) -> Variant:
        quantization = target.quantization
        if quantization.mode == "float32" and not quantization.rules:
            return Variant(self._content(form))
        variant = self._quantizer(form).variant(quantization)
        loadable(variant.content)
        return variant

    def _quantizer_of(self, form: _Form) -> Quantizer:
        inputs = self.source.description.inputs
        return Quantizer(
            self._content(form),
            self._layers(form),
            self.source.source.hints,
            lambda: [_in_layout(example, form.layout, inputs) for example in self.source.calibration_examples()],
            frozenset(place for place, spec in enumerate(inputs) if spec.image and form.layout == "NHWC"),
        )

    def _finished(self, content: bytes, form: _Form, before: Preprocessing) -> bytes:
        description, settings = self.source.description, self.source.source.settings
        outputs = tflite_metadata.outputs_of(description.outputs, description.labels)
        data = tflite_metadata.entries(description, settings, before, outputs)
        names = [spec.name for spec in description.inputs]
        text = settings.description or f"{description.spec}, exported by mobile-export"
        order, trials = self._order(form), self.source.trials
        whole = opened(content, description.inputs, form.layout, trials)  # quantizers lose the shapes of open inputs
        made = tflite_file.finish(whole, names, description.outputs, self._layers(form), order, data, text)
        return made if before == "none" else loadable(taking_pixels(made, description.inputs[0], form.layout))

    def _content(self, form: _Form) -> bytes:
        return self._taken(form).model

    def _build(self, form: _Form) -> Taken[bytes]:
        inputs = self.source.description.inputs
        conversion = Conversion(self.source.onnx_forms, inputs, form.layout, self.source.trials)
        taken = conversion.float_model(form.route, form.builders)
        give_back()
        return taken


def _in_layout(example: Example, layout: str, inputs: Sequence[InputSpec]) -> Example:
    return tuple(
        np.ascontiguousarray(np.moveaxis(value, 1, -1)) if spec.image and layout == "NHWC" else value
        for spec, value in zip(inputs, example, strict=True)
    )
