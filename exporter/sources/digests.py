"""The digest of a source: everything that decides what it computes."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from exporter.data.facts.source import InputSpec
from exporter.sources.fingerprint import Fingerprint

_MANGLED = re.compile(r"___torch_mangle_\d+\.|\s*#.*$", flags=re.MULTILINE)


def source_digest(module: Any, inputs: tuple[InputSpec, ...], *, identity: str | None, is_code: bool) -> str:
    """SHA-256 over the inputs; the identity, and for code the traced graph with its constants; and every tensor.

    A traced graph holds what forward uses: tensors in no state dict, arrays, numbers, globals and closures. What only
    decides between branches is found by walking over the module's attributes and the code of its classes.

    Args:
        module: in eval mode.
        inputs: that it is run on.
        identity: what decides it besides its tensors and its code: a digest of its file, a name.
        is_code: whether Python code that may change decides what it computes.
    """
    found = Fingerprint()
    found.add([item.model_dump(mode="json") for item in inputs])
    if identity is not None:
        found.add(identity)
    if is_code:
        _add_graph(found, module, inputs)
        found.add(module)
    for name, tensor in sorted([*module.named_parameters(), *module.named_buffers()], key=lambda pair: pair[0]):
        found.add(name)
        found.add(tensor)
    return found.hexdigest()


def _add_graph(found: Fingerprint, module: Any, inputs: tuple[InputSpec, ...]) -> None:
    """The graph by tracing, else by exporting; where neither is to be had, conversion will say it."""
    for add in (_add_traced, _add_exported):
        with contextlib.suppress(Exception):
            add(found, module, inputs)
            return


def _add_exported(found: Fingerprint, module: Any, inputs: tuple[InputSpec, ...]) -> None:
    from exporter.sources.tracing.export import export

    program = export(module, inputs)
    for node in program.graph.nodes:
        found.add((node.op, str(node.target), str(node.args), str(node.kwargs)))
    found.add(dict(program.constants))


def _add_traced(found: Fingerprint, module: Any, inputs: tuple[InputSpec, ...]) -> None:
    from exporter.sources.tracing.trace import trace

    graph = trace(module, inputs).inlined_graph
    found.add(_MANGLED.sub("", str(graph)))
    for node in _nodes(graph):
        for name in node.attributeNames():
            # The text has large tensors as <Tensor>, and numbers rounded.
            found.add((name, getattr(node, node.kindOf(name))(name) if node.kindOf(name) not in ("g", "gs") else None))


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)
