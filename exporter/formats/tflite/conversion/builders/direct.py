"""An ONNX model as a flatbuffer by onnx2tf's direct builder, which needs no TensorFlow."""

import tempfile
from collections.abc import Sequence
from typing import Any

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import load, quiet
from exporter.execution.memory import give_back
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.common.tracing.channels_last import channels_can_stay_last
from exporter.formats.common.tracing.onnx_rewrites import channels_moved
from exporter.formats.tflite.conversion.builders.float32 import at_the_float32_model
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
    give_back()
    content = _written(with_gelus(given), [spec.name for spec in inputs])
    return as_quantizers_want(with_fully_connected(with_forms(content, given)))


def in_layout(onnx_model: Any, inputs: Sequence[InputSpec], layout: str) -> Any:
    """The model that the builder is given, before its GELUs are put together; see `direct`."""
    images = [spec.name for spec in inputs if spec.image is not None]
    ready = channels_can_stay_last(onnx_model)
    return channels_moved(ready, images, "last") if layout == "NHWC" else ready


def _written(onnx_model: Any, names: Sequence[str]) -> bytes:
    try:
        with quiet(), tempfile.TemporaryDirectory() as folder, at_the_float32_model() as model:
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
    return model()


def _refused(error: BaseException) -> ToolError:
    """Its refusals of an operator say which and where; anything else is told by its type."""
    operator, name = getattr(error, "node_op", ""), getattr(error, "node_name", "")
    why = str(error) if operator else f"{type(error).__name__}: {error}"
    return refusal(_TITLE, operator, layer_of_onnx(name) if name else "", why)
