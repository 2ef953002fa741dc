"""Parts of a model, one after the other, that can be run alone: residual blocks, and single layers between them."""

import itertools
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn

Values = Mapping[str, Tensor]
"""What lies between parts: the values of nodes by name."""

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class Part(NamedTuple):
    """A stretch of a graph.

    Attributes:
        sources: names of the nodes whose values it reads.
        results: names of the nodes whose values later parts read, or the model's outputs.
        layers: names of the layers in it that were asked for.
        module: takes the sources, gives the results as a tuple; its layers are the graph's own.
    """

    sources: tuple[str, ...]
    results: tuple[str, ...]
    layers: tuple[str, ...]
    module: fx.GraphModule

    def run(self, values: Values) -> dict[str, Tensor]:
        """The results for values that hold at least the sources, which are left as they are."""
        given = [values[name].clone() for name in self.sources]  # an in-place function may come first
        return dict(zip(self.results, self.module(*given), strict=True))


def parts(graph_module: fx.GraphModule, original: nn.Module, layers: Container[str]) -> list[Part]:
    """Cut a graph where one value alone goes on, and put together what belongs to one block.

    Each part holds one of the layers at least. Neighbours are put together when the modules around their layers are the
    same block of the original, such as an inverted residual whose shortcut is missing.

    Args:
        graph_module: a traced model.
        original: the model that was traced, whose modules say what a block is.
        layers: names of the layers that are of interest.
    """
    nodes = [node for node in graph_module.graph.nodes if node.op not in ("placeholder", "output", "get_attr")]
    stretches = _joined(_cut(graph_module, nodes), original, layers)
    ends = itertools.accumulate(len(stretch) for stretch in stretches)
    borders = [_alive(graph_module, nodes, place - 1) for place in (0, *ends)]
    return [
        _part(graph_module, stretch, sources, results, _layers(stretch, layers))
        for stretch, sources, results in zip(stretches, borders[:-1], borders[1:], strict=True)
    ]


def _cut(graph_module: fx.GraphModule, nodes: Sequence[fx.Node]) -> list[list[fx.Node]]:
    """Stretches between which one value alone goes on."""
    stretches: list[list[fx.Node]] = [[]]
    for place, node in enumerate(nodes):
        stretches[-1].append(node)
        if len(_alive(graph_module, nodes, place)) == 1 and node is not nodes[-1]:
            stretches.append([])
    return stretches


def _joined(stretches: Sequence[list[fx.Node]], original: nn.Module, layers: Container[str]) -> list[list[fx.Node]]:
    """Neighbours of one block as one, and those without layers with the stretch before them."""
    joined = [list(stretches[0])]
    for stretch in stretches[1:]:
        one, other = _owner(joined[-1], original, layers), _owner(stretch, original, layers)
        same = one is not None and one is other
        if same or not _layers(stretch, layers) or not _layers(joined[-1], layers):
            joined[-1] += stretch
        else:
            joined.append(list(stretch))
    return joined


def _alive(graph_module: fx.GraphModule, nodes: Sequence[fx.Node], place: int) -> list[fx.Node]:
    """Nodes whose values are read after the node at `place`, in order."""
    before = {node for node in graph_module.graph.nodes if node.op == "placeholder"} | set(nodes[: place + 1])
    after = set(nodes[place + 1 :]) | {node for node in graph_module.graph.nodes if node.op == "output"}
    return [node for node in graph_module.graph.nodes if node in before and after & set(node.users)]


def _layers(stretch: Sequence[fx.Node], layers: Container[str]) -> tuple[str, ...]:
    called = (str(node.target) for node in stretch if node.op == "call_module")
    return tuple(dict.fromkeys(name for name in called if name in layers))


def _owner(stretch: Sequence[fx.Node], original: nn.Module, layers: Container[str]) -> nn.Module | None:
    """The one block that the stretch's layers are of; None where there is none or more."""
    owners = {_around(name, original) for name in _layers(stretch, layers)}
    return owners.pop() if len(owners) == 1 else None


def _around(name: str, original: nn.Module) -> nn.Module | None:
    """The innermost module around a layer that is more than a list; None for the model itself."""
    while "." in name:
        name = name.rpartition(".")[0]
        module = original.get_submodule(name)
        if type(module) is not nn.Module and not isinstance(module, CONTAINERS):
            return module
    return None


def _part(
    graph_module: fx.GraphModule,
    stretch: Sequence[fx.Node],
    sources: Sequence[fx.Node],
    results: Sequence[fx.Node],
    layers: tuple[str, ...],
) -> Part:
    graph = fx.Graph()
    copies = {node: graph.placeholder(node.name) for node in sources}
    for node in stretch:
        for constant in node.all_input_nodes:
            if constant.op == "get_attr" and constant not in copies:
                copies[constant] = graph.node_copy(constant)
        copies[node] = graph.node_copy(node, lambda old: copies[old])
    graph.output(tuple(copies[node] for node in results))
    names = tuple(node.name for node in sources), tuple(node.name for node in results)
    return Part(*names, layers, fx.GraphModule(graph_module, graph).eval())


def difference(found: Values, wanted: Values) -> Tensor:
    """Mean square error of all values, as a share of what is wanted."""
    pairs = [(found[name], value) for name, value in wanted.items() if value.is_floating_point()]
    shares = [(one - other).square().mean() / other.square().mean().clamp_min(1e-30) for one, other in pairs]
    return torch.stack(shares).mean()
