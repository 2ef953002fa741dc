"""A head that arrives as one tensor of boxes and scores, taken apart before it is put together.

Eight bits that must reach over hundreds of pixels cannot tell scores in [0, 1] apart.
"""

import copy
import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import fx
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree

from exporter.data.facts.hints import CompressionHints, probe_input
from exporter.sources.outputs import flatten
from exporter.sources.signatures import match_ranges
from exporter.sources.tracing.forwards import forward_of, with_forward

_CATS = (torch.cat, torch.concat, torch.concatenate, torch.ops.aten.cat.default)


def chosen(module: torch.nn.Module, places: Sequence[int], *, in_parts: bool) -> torch.nn.Module:
    """A module that gives these outputs of `module` alone, whose layers keep their names.

    Args:
        places: of the outputs.
        in_parts: whether the first of them is given as the tensors from which the module puts it together.
    """
    if isinstance(module, fx.GraphModule):
        return _of_graph(module, places, in_parts)
    return _of_code(module, places, in_parts)


def hints_left(hints: CompressionHints, head: torch.nn.Module, module: torch.nn.Module) -> CompressionHints:
    """`hints` without the ranges of what `head` does not compute any more.

    Args:
        head: `chosen` of `module`.
        module: a compressed model.
    """
    if not hints.activations or not isinstance(head, fx.GraphModule) or not isinstance(module, fx.GraphModule):
        return hints
    own = {node.name for node in head.graph.nodes}
    values = _values(module, hints.probe_seed)
    kept = match_ranges(hints.activations, {name: value for name, value in values.items() if name in own})
    gone = match_ranges(hints.activations, {name: value for name, value in values.items() if name not in own})
    lost = {item.name for item in gone.values()} - {item.name for item in kept.values()}
    left = tuple(item for item in hints.activations if item.name not in lost)
    return hints.model_copy(update={"activations": left})


class _Cats(TorchFunctionMode):
    """Remembers what each concatenation was made of."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[torch.Tensor, Sequence[torch.Tensor]]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if func in _CATS:
            self.made.append((found, tuple(args[0] if args else (kwargs or {})["tensors"])))
        return found

    def parts_of(self, tensor: torch.Tensor) -> Sequence[torch.Tensor]:
        """What `tensor` was put together from; itself alone where that was done otherwise."""
        return next((parts for found, parts in self.made if found is tensor), (tensor,))


def _of_code(module: torch.nn.Module, places: Sequence[int], in_parts: bool) -> torch.nn.Module:
    whole = forward_of(module)

    @functools.wraps(whole)
    def forward(self: torch.nn.Module, *inputs: Any, **named: Any) -> tuple[torch.Tensor, ...]:
        with _Cats() as cats:
            outputs = flatten(whole(self, *inputs, **named))
        wanted = [outputs[place] for place in places]
        return (*(cats.parts_of(wanted[0]) if in_parts else wanted[:1]), *wanted[1:])

    return with_forward(module, forward)


def _of_graph(module: fx.GraphModule, places: Sequence[int], in_parts: bool) -> fx.GraphModule:
    """By the graph itself, as torch.export leaves one: its inputs are tensors alone."""
    graph = copy.deepcopy(module.graph)
    end = next(iter(reversed(graph.nodes)))
    outputs = [leaf for leaf in _pytree.tree_leaves(end.args[0]) if isinstance(leaf, fx.Node)]
    wanted = [outputs[place] for place in places]
    parts = wanted[:1]
    if in_parts and wanted[0].target in _CATS:
        parts = list(wanted[0].args[0] if wanted[0].args else wanted[0].kwargs["tensors"])  # type: ignore[arg-type]
    end.args = ((*parts, *wanted[1:]),)
    graph.set_codegen(fx.graph.CodeGen())
    head = fx.GraphModule(module, graph)
    graph.eliminate_dead_code()
    head.recompile()
    return head


def _values(module: fx.GraphModule, seed: int) -> dict[str, Any]:
    """Each tensor that a graph computes for the probe input, by the name of its node."""
    values: dict[str, Any] = {}

    class Recorder(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            value = super().run_node(n)
            if isinstance(value, torch.Tensor) and n.op not in ("get_attr", "output"):
                values[n.name] = value.numpy().copy()  # a function in place comes next
            return value

    given = [node.meta["val"].shape for node in module.graph.nodes if node.op == "placeholder"]
    with torch.no_grad():
        Recorder(module).run(*(torch.from_numpy(probe_input(shape, seed)) for shape in given))
    return values
