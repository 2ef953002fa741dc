"""Full-integer TFLite with activation ranges that were learned in PyTorch.

TensorFlow's converter first writes a float model with the calibrated extremes beside each tensor, then quantizes by
those. In between, the learned ranges replace them. Weights need nothing: their scale is the largest magnitude of a
channel / 127, which is the grid that they were trained on.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.hints import ActivationRange, CompressionHints, probe_input
from exporter.execution.heavy import load, quiet
from exporter.formats.common.signatures import match_ranges, unmatched
from exporter.formats.tflite.conversion import variants as tflite
from exporter.formats.tflite.conversion.file import parse
from exporter.formats.tflite.inspection.structure import IDENTIFIER
from exporter.formats.tflite.settings import TfliteQuantization
from exporter.formats.tflite.tensorflow import load_tensorflow


def convert_with_ranges(
    graph: tflite.TfliteGraph,
    quantization: TfliteQuantization,
    calibration: Sequence[tflite.Example],
    hints: CompressionHints,
    *,
    kept_nodes: Sequence[str] = (),
    kept_types: Sequence[str] = (),
) -> bytes:
    """As `tflite.convert` in mode ``int8``, with the ranges of `hints`.

    Args:
        calibration: for tensors that have no learned range; one example is enough where all have one.
        kept_nodes: tensors of layers to keep in float.
        kept_types: TFLite operator types to keep in float.

    Raises:
        ToolError: a learned range belongs to no tensor of the graph, or the converter failed.
    """
    tensorflow = load_tensorflow()
    with tflite.conversion_errors(graph), quiet():
        converter = tflite.converter_for(graph, quantization, calibration)
        converter._experimental_calibrate_only = True
        calibrated = bytes(converter.convert())
        edited = with_ranges(calibrated, hints, graph.channels_last)
        return bytes(
            load("tensorflow.lite.python.convert").mlir_quantize(
                edited,
                disable_per_channel=quantization.granularity == "per_tensor",
                input_data_type=getattr(tensorflow, quantization.input_type),
                output_data_type=getattr(tensorflow, quantization.output_type),
                denylisted_nodes=list(kept_nodes) or None,
                denylisted_ops=list(kept_types) or None,
            )
        )


def with_ranges(calibrated: bytes, hints: CompressionHints, channels_last: Collection[int]) -> bytes:
    """Replace the calibrated extremes by the learned ones.

    Args:
        channels_last: positions of the inputs whose channels lie last in the graph and first in the source.

    Raises:
        ToolError: a learned range belongs to no tensor.
    """
    values = activations(calibrated, hints.probe_seed, channels_last)
    matched = match_ranges(hints.activations, values)
    lost = unmatched(hints.activations, matched)
    if lost:
        raise ToolError(
            f"the learned ranges of {', '.join(lost[:5])} find no tensor in the TFLite graph; without them the file "
            "would not be what was trained. Leave the static step out of the recipe and quantize in the target instead."
        )
    return _edited(calibrated, matched)


def activations(content: bytes, probe_seed: int, channels_last: Collection[int]) -> dict[str, NDArray[Any]]:
    """Every float tensor that operators write, and the inputs, for the probe input."""
    interpreter = load("ai_edge_litert.interpreter").Interpreter(
        model_content=content, experimental_preserve_all_tensors=True, num_threads=1
    )
    interpreter.allocate_tensors()
    for position, detail in enumerate(interpreter.get_input_details()):
        shape, last = tuple(map(int, detail["shape"])), position in channels_last
        probe = probe_input((shape[0], shape[-1], *shape[1:-1]) if last else shape, probe_seed)
        interpreter.set_tensor(detail["index"], np.moveaxis(probe, 1, -1) if last else probe)
    interpreter.invoke()
    graph = parse(content).subgraphs[0]
    written = {int(index) for operator in graph.operators for index in operator.outputs} | set(map(int, graph.inputs))
    details = {int(detail["index"]): detail for detail in interpreter.get_tensor_details()}
    return {
        str(index): interpreter.get_tensor(index) for index in sorted(written) if details[index]["dtype"] == np.float32
    }


def _edited(content: bytes, matched: Mapping[str, ActivationRange]) -> bytes:
    model = parse(content)
    for index, item in matched.items():
        quantization = model.subgraphs[0].tensors[int(index)].quantization
        if quantization is not None:
            quantization.min, quantization.max = [item.minimum], [item.maximum]
    builder = flatbuffers.Builder(len(content) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())
