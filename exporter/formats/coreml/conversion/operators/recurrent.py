"""Recurrent layers of exported programs, which coremltools knows of TorchScript alone.

Not GRU: coremltools makes a loop of it, and cannot save an exported program with a block inside; PyTorch writes it out.
"""

import copy
from collections.abc import Callable
from typing import Any

from exporter.formats.coreml.conversion.operators.registering import Translation, registry, translation


def _of_script(name: str, results: int) -> Translation:
    """Coremltools' translation of TorchScript's operator, whose results have names, for one with a tuple of them."""

    def translate(context: Any, node: Any) -> None:
        inner = copy.copy(node)
        inner.outputs = [f"{node.name}_{index}" for index in range(results)]
        own: Callable[[Any, Any], None] = registry().get_func(name)
        own(context, inner)
        context.add(tuple(context[output] for output in inner.outputs), node.name)

    return translate


for _name, _results in (("lstm", 3), ("rnn_tanh", 2), ("rnn_relu", 2)):
    translation(f"{_name}.input")(_of_script(_name, _results))
