"""Gives the values of an ML program the names of the PyTorch layers that they came from."""

import re
from collections.abc import Mapping
from typing import Any

from exporter.formats.coreml.walk import blocks_of_file, operations


def rename_layers(spec: Any, layers: Mapping[str, str]) -> dict[str, str]:
    """Rename, in place, outputs and parameters of the operations in `layers`; gives operation's new name -> layer.

    Args:
        spec: a Core ML specification that holds an ML program.
        layers: operation name -> layer. MIL allows letters, digits and underscores, so dots become underscores.
            An operation that writes a renamed value takes its name.
    """
    interface = {feature.name for feature in [*spec.description.input, *spec.description.output]}
    renamed: dict[str, str] = {}
    for block in blocks_of_file(spec.mlProgram):
        taken = interface | {output.name for op in operations(block) for output in op.outputs}
        mapping: dict[str, str] = {}
        for op in operations(block):
            layer = layers.get(_name(op))
            if layer is not None:
                _propose(op, re.sub(r"\W", "_", layer), taken, interface, mapping)
                renamed[mapping.get(op.outputs[0].name, _name(op))] = layer
        rename_values(block, mapping)
    return renamed


def _propose(op: Any, identifier: str, taken: set[str], interface: set[str], mapping: dict[str, str]) -> None:
    identifier = f"_{identifier}" if identifier[:1].isdigit() else identifier
    wanted = [(op.outputs[0].name, identifier)]
    for parameter in ("weight", "bias"):
        if parameter in op.inputs and op.inputs[parameter].arguments[0].WhichOneof("binding") == "name":
            wanted.append((op.inputs[parameter].arguments[0].name, f"{identifier}_{parameter}"))
    for old, new in wanted:
        if old not in interface and old not in mapping and new not in taken:
            mapping[old] = new
            taken.add(new)


def rename_values(block: Any, mapping: Mapping[str, str]) -> None:
    """Call values of a block of a specification otherwise, and operations after what they write, in place."""
    for op in block.operations:
        if op.outputs and op.outputs[0].name in mapping and _name(op):
            op.attributes["name"].immediateValue.tensor.strings.values[0] = mapping[op.outputs[0].name]
        for output in op.outputs:
            output.name = mapping.get(output.name, output.name)
        for argument in op.inputs.values():
            for binding in argument.arguments:
                if binding.WhichOneof("binding") == "name":
                    binding.name = mapping.get(binding.name, binding.name)
        for inner in op.blocks:
            rename_values(inner, mapping)
    block.outputs[:] = [mapping.get(name, name) for name in block.outputs]


def _name(op: Any) -> str:
    values = op.attributes["name"].immediateValue.tensor.strings.values if "name" in op.attributes else ()
    return str(values[0]) if values else ""
