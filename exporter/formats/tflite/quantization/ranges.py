"""Activation ranges that were learned in PyTorch, in a calibrated TFLite file.

TensorFlow's calibrator writes the extremes beside each tensor of a float file; the quantizer goes by those. In between,
the learned ranges replace them. Weights need nothing: their scale is the largest magnitude of a channel / 127, which is
the grid that they were trained on.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.hints import ActivationRange, CompressionHints, probe_input
from exporter.execution.heavy import load
from exporter.formats.tflite.conversion.file import pack, parse
from exporter.sources.signatures import match_ranges, unmatched


def with_ranges(calibrated: bytes, hints: CompressionHints, channels_last: Collection[int]) -> bytes:
    """Replace the calibrated extremes by the learned ones.

    Args:
        channels_last: positions of the inputs whose channels lie last in the file and first in the source.

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
    return pack(model)
