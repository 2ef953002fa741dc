"""Traced graph to a simplified ONNX model, in memory."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxsim
import torch
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import quiet
from exporter.formats.common.refusals import onnx_refusal, plain
from exporter.formats.common.tracing.onnx_rewrites import channels_moved, strided_slices_to_pools, with_shapes
from exporter.sources.tracing.open_axes import open_axes
from exporter.sources.tracing.trace import as_converters_know, example_tensors

OPSET = 17


def to_onnx(module: Any, inputs: Sequence[InputSpec], outputs: Sequence[str], graph: Callable[[], Any]) -> Any:
    """ONNX ModelProto with the given input and output names, constants folded.

    Args:
        module: takes and gives tensors (`traceable`). A module and not its trace, in which shapes of attention's
            projections are lost.
        graph: gives the TorchScript graph, in which a refused operator is looked up.

    Raises:
        ToolError: an operator has no ONNX form.
    """
    failure: Exception | None = None
    for spectra in (False, True):  # with complex numbers as pairs only where it is needed
        try:
            return simplified(onnx.load_from_string(_exported(module, inputs, outputs, spectra=spectra)))
        except ToolError:
            raise
        except Exception as error:  # noqa: BLE001 - told below; the first one is what the user has to know
            failure = failure or error
    assert failure is not None
    raise onnx_refusal(failure, graph()) from failure


def _exported(module: Any, inputs: Sequence[InputSpec], outputs: Sequence[str], *, spectra: bool) -> bytes:
    buffer = io.BytesIO()
    with quiet(), as_converters_know(spectra=spectra):
        torch.onnx.export(
            module,
            example_tensors(inputs),
            buffer,  # type: ignore[arg-type]  # a stream works; the stub knows only paths
            dynamo=False,
            dynamic_axes=open_axes([spec.channels_first for spec in inputs]),
            input_names=[spec.name for spec in inputs],
            output_names=list(outputs),
            opset_version=OPSET,
        )
    return buffer.getvalue()


def read_onnx(path: Path, inputs: Sequence[InputSpec]) -> Any:
    """The ONNX model of a file, its inputs of the shapes of `inputs`, images and maps NCHW, constants folded."""
    model = simplified(with_shapes(onnx.load(str(path)), inputs, open_axes(inputs)))
    if not any(spec.layout == "NHWC" for spec in inputs):
        return model
    images = [spec.name for spec in inputs if spec.image is not None]
    return simplified(channels_moved(model, images, "first"))


def maps_to_front(model: Any) -> Any:
    """The same model with outputs of four dimensions NCHW where a source with channels last gives them NHWC."""
    return simplified(channels_moved(model, [], "first"))


def run_onnx(model: Any, inputs: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """Outputs of an ONNX model in onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def simplified(model: Any) -> Any:
    """Fold constants and infer shapes: onnx2tf needs both done before it sees a model in memory."""
    try:
        with quiet():
            result, valid = onnxsim.simplify(model)
    except RuntimeError as error:
        raise ToolError(f"the ONNX model cannot be simplified: {plain(str(error))}") from error
    if not valid:
        raise ToolError("the simplified ONNX model does not compute what the original did")
    return strided_slices_to_pools(result)
