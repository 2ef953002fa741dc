"""One ONNX graph behind another."""

from collections.abc import Sequence
from typing import Any

from exporter.formats.onnx.conversion.writer import renamed
from exporter.formats.onnx.nodes import copy_of


def joined(model: Any, tail: Any, wires: Sequence[str]) -> Any:
    """A model that gives what `tail` makes of outputs of `model`.

    Args:
        model: of the same opset as `tail`.
        wires: names of outputs of `model`, one for each input of `tail`.
    """
    whole, added = copy_of(model), copy_of(tail)
    given = [item.name for item in added.graph.input]
    results = {item.name for item in added.graph.output}
    inner = {name for node in added.graph.node for name in node.output} | {
        item.name for item in added.graph.initializer
    }
    taken = _values(whole) & results
    moved = renamed(whole, {name: f"head/{name}" for name in taken})
    renamed(added, {name: f"decoding/{name}" for name in inner - results})
    renamed(added, {name: moved.get(wire, wire) for name, wire in zip(given, wires, strict=True)})
    for node in added.graph.node:
        node.name = f"decoding/{node.name}"
    whole.graph.node.extend(added.graph.node)
    whole.graph.initializer.extend(added.graph.initializer)
    del whole.graph.output[:]
    whole.graph.output.extend(added.graph.output)
    return whole


def _values(model: Any) -> set[str]:
    return {name for node in model.graph.node for name in node.output}
