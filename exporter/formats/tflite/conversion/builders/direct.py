"""An ONNX model as a flatbuffer by onnx2tf's direct builder, which needs no TensorFlow."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import load, quiet
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.common.tracing.channels_last import channels_can_stay_last
from exporter.formats.common.tracing.onnx_rewrites import channels_moved
from exporter.formats.tflite.conversion.builders.gelu import with_forms, with_gelus
from exporter.formats.tflite.conversion.builders.operands import as_quantizers_want
from exporter.formats.tflite.conversion.builders.products import with_fully_connected

_TITLE = "onnx2tf's direct builder"


def direct(onnx_model: Any, inputs: Sequence[InputSpec], layout: str) -> bytes:
    """The float32 flatbuffer of an ONNX model.

    The target's layout is written into the graph as transposes, which the builder then moves and removes, so that it
    has nothing to guess about inputs and outputs.

    Args:
        onnx_model: simplified, image inputs NCHW; left as it is.
        layout: of image inputs and four-dimensional outputs of the result, ``NHWC`` or ``NCHW``.

    Raises:
        ToolError: an operator cannot be translated.
    """
    given = in_layout(onnx_model, inputs, layout)
    with tempfile.TemporaryDirectory() as folder:
        _write(with_gelus(given), [spec.name for spec in inputs], folder)
        content = next(Path(folder).glob("*_float32.tflite")).read_bytes()
    return as_quantizers_want(with_fully_connected(with_forms(content, given)))


def in_layout(onnx_model: Any, inputs: Sequence[InputSpec], layout: str) -> Any:
    """The model that the builder is given, before its GELUs are put together; see `direct`."""
    images = [spec.name for spec in inputs if spec.image is not None]
    ready = channels_can_stay_last(onnx_model)
    return channels_moved(ready, images, "last") if layout == "NHWC" else ready


def _write(onnx_model: Any, names: Sequence[str], folder: str) -> None:
    try:
        with quiet(), _unwatched():
            load("onnx2tf").convert(
                onnx_graph=onnx_model,
                output_folder_path=folder,
                keep_shape_absolutely_input_names=list(names),
                not_use_onnxsim=True,
                not_use_opname_auto_generate=True,
                non_verbose=True,
                verbosity="error",
            )
    except (Exception, SystemExit) as error:
        raise _refused(error) from error


@contextlib.contextmanager
def _unwatched() -> Iterator[None]:
    """Without the builder's spinner, for whose thread each of its two dozen steps waits up to a tenth of a second."""
    spinner = load("onnx2tf.tflite_builder.core.progress").ProgressSpinner
    with mock.patch.object(spinner, "start", return_value=None):
        yield


def _refused(error: BaseException) -> ToolError:
    """Its refusals of an operator say which and where; anything else is told by its type."""
    operator, name = getattr(error, "node_op", ""), getattr(error, "node_name", "")
    why = str(error) if operator else f"{type(error).__name__}: {error}"
    return refusal(_TITLE, operator, layer_of_onnx(name) if name else "", why)
