"""The float32 model: in the target's opset, with names of layers, run once before it is used."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from numpy.typing import NDArray
from onnx import numpy_helper, version_converter

from exporter.data.errors import ToolError, first_line
from exporter.execution.heavy import load
from exporter.formats.common.layer_names import match_layers
from exporter.formats.common.routes import Route, Taken, first_right, only
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.common.trials import least_over
from exporter.formats.onnx.nodes import WEIGHT_PLACES, channels_first, copy_of

DOMAINS = ("", "ai.onnx")


def float_model(source: SourceGraph, opset: int, ir_version: int, route: str) -> Taken[Any]:
    """The ``ModelProto`` of the first route that computes what the source computes, else of the least wrong.

    Args:
        route: the only one to take; empty for all.

    Raises:
        UsageProblem: there is no such route from this source.
        ToolError: no route gives a model that ONNX Runtime runs.
    """
    names, trials = [spec.name for spec in source.description.inputs], source.trials

    def made(form: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: _named(lowered(form(), opset, ir_version), source.layer_weights)

    routes = [Route(name, made(form)) for name, form in source.onnx_forms.items()]

    def snr_of(model: Any) -> float:
        return least_over(trials, lambda trial: run(model, dict(zip(names, trial.sample, strict=True))))

    return first_right(only(routes, route), snr_of, "an ONNX model")


def run(model: Any, given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """Outputs in ONNX Runtime.

    Raises:
        ToolError: it does not load or run the model.
    """
    onnxruntime = load("onnxruntime")
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return list(session.run(None, dict(given)))
    except Exception as error:  # ONNX Runtime's own exceptions share no base
        raise ToolError(f"ONNX Runtime cannot run the converted model: {first_line(error)}") from error


def lowered(model: Any, opset: int, ir_version: int) -> Any:
    """The model in an opset and IR version that the target's runtime holds."""
    own = next(item.version for item in model.opset_import if item.domain in DOMAINS)
    if own > opset:
        try:
            model = version_converter.convert_version(model, opset)
        except Exception as error:  # a failed assertion of onnx is a RuntimeError of its own
            raise ToolError(
                f"the model cannot be brought from opset {own} to {opset}: {first_line(error)}. "
                "Raise the target's minimum_runtime."
            ) from error
    lowered = copy_of(model)
    lowered.ir_version = min(lowered.ir_version, ir_version)
    return lowered


def _named(model: Any, weights: Mapping[str, NDArray[Any]]) -> Any:
    """The model with a name for every node; nodes with a weight have that of the layer that it came from."""
    layers = match_layers(weights, dict(_float_weights(model)))
    taken: set[str] = set()
    for index, node in enumerate(model.graph.node):
        wanted = f"/{layers[str(index)].replace('.', '/')}/{node.op_type}" if str(index) in layers else node.name
        wanted = wanted or f"/{node.op_type}_{index}"
        node.name = wanted if wanted not in taken else f"{wanted}_{index}"
        taken.add(node.name)
    return model


def _float_weights(model: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Place of a node in the graph -> its weight, output channels first."""
    stored = {item.name: item for item in model.graph.initializer}
    for index, node in enumerate(model.graph.node):
        place = WEIGHT_PLACES.get(node.op_type)
        if place is not None and len(node.input) > place and node.input[place] in stored:
            values = numpy_helper.to_array(stored[node.input[place]])
            if values.dtype.kind == "f" and values.ndim > 1:
                yield str(index), channels_first(values, node)
