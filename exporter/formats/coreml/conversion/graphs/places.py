"""Where an operator of an exported program comes from: the layer and the line of the user's code."""

import re
from typing import Any

from exporter.formats.common.refusals import layer_of_scope, line_of, operator_names, place


def place_in_export(graph: Any, operator: str) -> str:
    """The place of the first node of a ``torch.fx.Graph`` of `torch.export` with this operator; empty where none is.

    Args:
        operator: as PyTorch calls it, without namespace and overload.
    """
    wanted = operator_names(operator)
    for node in graph.nodes:
        schema = getattr(node.target, "_schema", None)
        if schema is not None and schema.name.rpartition("::")[2].lower() in wanted:
            return place(layer_of_node(node), line_of(_frames(node)))
    return ""


def layer_of_node(node: Any) -> str:
    """The innermost module that called it: ``nn_module_stack`` has ``key -> (dotted name, class)``, outermost first."""
    names = [name for name, _ in node.meta.get("nn_module_stack", {}).values()]
    return layer_of_scope(names[-1]) if names else ""


def _frames(node: Any) -> str:
    """Its Python frames, innermost first, written as TorchScript writes them."""
    found = re.findall(r'File "(.+?)", line (\d+)', node.meta.get("stack_trace") or "")
    return " ".join(f"{file}({line})" for file, line in reversed(found))
