"""The ways from ONNX to TFLite, and the choice of the first that computes what the source computes."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.source import InputSpec
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.common.tracing.onnx_graph import run_onnx
from exporter.formats.tflite.conversion import variants as tflite
from exporter.formats.tflite.conversion.blame import blame
from exporter.formats.tflite.conversion.check import LEAST_SNR_DB, least_snr, run_float
from exporter.formats.tflite.conversion.exact import exact_graph
from exporter.formats.tflite.conversion.onnx2tf import build_graph
from exporter.formats.tflite.conversion.variants import Example, TfliteGraph
from exporter.formats.tflite.onnx_tensorflow import UntranslatableError
from exporter.formats.tflite.settings import TfliteQuantization


@dataclass(frozen=True)
class FloatModel:
    """A model that was converted and run once.

    Attributes:
        route: what converted it.
        graph: the TensorFlow function, for the other variants.
        content: the float32 flatbuffer.
        snr_db: of its worst output on the sample, against the source.
        wrong: what it computes wrongly, where it does.
    """

    route: str
    graph: TfliteGraph
    content: bytes
    snr_db: float
    wrong: str = ""

    @property
    def right(self) -> bool:
        """Whether it computes what the source computes."""
        return self.snr_db >= LEAST_SNR_DB


Build = Callable[[], TfliteGraph]
BuildFrom = Callable[[Any], TfliteGraph]


def float_model(
    onnx_models: Sequence[Callable[[], Any]],
    inputs: Sequence[InputSpec],
    outputs: Sequence[str],
    layout: str,
    sample: Example,
    expected: Sequence[NDArray[Any]],
) -> FloatModel:
    """The model of the first route that is right on `sample`, else of the one that is least wrong.

    Args:
        onnx_models: give the source as ONNX, in several forms; simplified, image inputs NCHW.
        layout: of image inputs and four-dimensional outputs of the result, ``NHWC`` or ``NCHW``.
        sample: one example as the ONNX model takes it, with the batch dimension; no two axes of it are alike.
        expected: what the source gives for `sample`.

    Raises:
        ToolError: no route converts the model.
    """

    def exact(onnx_model: Any) -> TfliteGraph:
        return exact_graph(onnx_model, inputs, outputs, layout, sample)

    def guessed(onnx_model: Any) -> TfliteGraph:
        named = {spec.name: value for spec, value in zip(inputs, sample, strict=True)}
        wanted = run_onnx(onnx_model, named)
        return build_graph(copy.deepcopy(onnx_model), inputs, outputs, layout, sample, wanted)

    routes: dict[str, BuildFrom] = {"TensorFlow": exact, "onnx2tf": guessed}
    found: list[tuple[FloatModel, Any]] = []
    failures: list[ToolError] = []
    for make in onnx_models:
        for route, build in routes.items():
            try:
                onnx_model = make()
                model = _checked(route, partial(build, onnx_model), inputs, layout, sample, expected)
            except ToolError as error:
                failures.append(error)
                continue
            if model.right:
                return model
            found.append((model, onnx_model))
    if not found:
        raise failures[0]
    best, onnx_model = max(found, key=lambda pair: pair[0].snr_db)

    def snr_of(part: Any, wanted: Sequence[NDArray[Any]]) -> float:
        try:
            return _checked(best.route, partial(routes[best.route], part), inputs, layout, sample, wanted).snr_db
        except ToolError:
            return -np.inf  # an intermediate result of a wrong shape, for example

    named = {spec.name: value for spec, value in zip(inputs, sample, strict=True)}
    return replace(best, wrong=blame(onnx_model, named, expected, snr_of))


def _checked(
    route: str,
    build: Build,
    inputs: Sequence[InputSpec],
    layout: str,
    sample: Example,
    expected: Sequence[NDArray[Any]],
) -> FloatModel:
    try:
        graph = build()
    except ToolError:
        raise
    except UntranslatableError as error:
        raise refusal(route, error.node.kind, layer_of_onnx(error.node.name), error.why) from error
    except Exception as error:
        raise refusal(route, "", "", f"{type(error).__name__}: {error}") from error
    content = tflite.convert(graph, TfliteQuantization(), [])
    return FloatModel(route, graph, content, least_snr(run_float(content, inputs, sample, layout), expected))
