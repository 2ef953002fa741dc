"""The ways from ONNX to TFLite, and the choice of the first that computes what the source computes."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.common.routes import Route, Taken, first_right, least_snr
from exporter.formats.common.tracing.onnx_graph import run_onnx
from exporter.formats.tflite.conversion import variants as tflite
from exporter.formats.tflite.conversion.blame import blame
from exporter.formats.tflite.conversion.check import run_float
from exporter.formats.tflite.conversion.exact import exact_graph
from exporter.formats.tflite.conversion.onnx2tf import build_graph
from exporter.formats.tflite.conversion.variants import Example, TfliteGraph
from exporter.formats.tflite.onnx_tensorflow import UntranslatableError

BuildFrom = Callable[[Any], TfliteGraph]


@dataclass(frozen=True)
class FloatModel:
    """A model without compression.

    Attributes:
        graph: the TensorFlow function.
        content: the float32 flatbuffer.
        onnx_model: what it was made from.
        build: made it of that.
    """

    graph: TfliteGraph
    content: bytes
    onnx_model: Any
    build: BuildFrom


def float_model(
    onnx_forms: Mapping[str, Callable[[], Any]],
    inputs: Sequence[InputSpec],
    outputs: Sequence[str],
    layout: str,
    sample: Example,
    expected: Sequence[NDArray[Any]],
) -> Taken[FloatModel]:
    """The model of the first route that is right on `sample`, else of the one that is least wrong.

    Args:
        onnx_forms: give the source as ONNX; simplified, image inputs NCHW.
        layout: of image inputs and four-dimensional outputs of the result, ``NHWC`` or ``NCHW``.
        sample: one example as the ONNX model takes it, with the batch dimension; no two axes of it are alike.
        expected: what the source gives for `sample`.

    Raises:
        ToolError: no route converts the model.
    """
    named = {spec.name: value for spec, value in zip(inputs, sample, strict=True)}

    def exact(onnx_model: Any) -> TfliteGraph:
        return exact_graph(onnx_model, inputs, outputs, layout, sample)

    def guessed(onnx_model: Any) -> TfliteGraph:
        wanted = run_onnx(onnx_model, named)
        return build_graph(copy.deepcopy(onnx_model), inputs, outputs, layout, sample, wanted)

    def snr_of(model: FloatModel, wanted: Sequence[NDArray[Any]] = expected) -> float:
        return least_snr(run_float(model.content, inputs, sample, layout), wanted)

    def blamed(model: FloatModel) -> str:
        def snr_of_part(part: Any, wanted: Sequence[NDArray[Any]]) -> float:
            try:
                return snr_of(_built("", lambda: part, model.build), wanted)
            except ToolError:
                return -np.inf  # an intermediate result of a wrong shape, for example

        return blame(model.onnx_model, named, expected, snr_of_part)

    builders: dict[str, BuildFrom] = {"TensorFlow": exact, "onnx2tf": guessed}
    routes = [
        Route(f"{form}, {name}", partial(_built, name, make, build))
        for form, make in onnx_forms.items()
        for name, build in builders.items()
    ]
    return first_right(routes, snr_of, "a TFLite model", blame=blamed)


def _built(route: str, make: Callable[[], Any], build: BuildFrom) -> FloatModel:
    onnx_model = make()
    try:
        graph = build(onnx_model)
    except ToolError:
        raise
    except UntranslatableError as error:
        raise refusal(route, error.node.kind, layer_of_onnx(error.node.name), error.why) from error
    except Exception as error:
        raise refusal(route, "", "", f"{type(error).__name__}: {error}") from error
    return FloatModel(graph, tflite.convert(graph), onnx_model, build)
