"""Constraints that keep a weight in its form while it is trained: zeros, tables, signs, integer grids.

They are `torch.nn.utils.parametrize` parametrizations, so they stack, take part in autograd, and survive a state dict.
`seal` replaces each constrained weight by the value it computes and says in hints how it is meant to be stored.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from exporter.compression.layers import weight_of
from exporter.data.facts.hints import WeightForm

FLOAT16 = torch.float16
# TFLite widens the scale of a channel whose weights are all smaller than this; such a dead channel becomes zero.
LEAST_PEAK = 1e-3


class Constraint(nn.Module):
    """A parametrization of a weight that knows the form its result has."""

    def form(self, name: str) -> WeightForm:
        """How the weight called `name` is to be stored."""
        raise NotImplementedError


class Mask(Constraint):
    """Keeps chosen weights at zero.

    Args:
        mask: 1 where weights live, 0 where they stay zero; the weight's shape.
    """

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask.to(torch.float32))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with its dead entries at zero."""
        return weight * self.mask

    def form(self, name: str) -> WeightForm:
        """Zeros to skip."""
        return WeightForm(name=name, form="sparse", sparse=True)


class SharedTable(Constraint):
    """A weight that is looked up in a small table; the table is what trains, with one gradient for all equal weights.

    That gradient is the mean of theirs: the projection of the weight's gradient onto tables, so that a learning rate
    that suits the weight suits its table. The values are rounded to float16, which is what Core ML stores.

    Args:
        indices: entry of each weight, int64, the weight's shape.
        bits: of an index.
        group_size: output channels that share a table; None for the whole tensor.
        pinned: 1 for entries that train, 0 for those that stay zero; shape (groups, entries).
    """

    positions: Tensor
    counts: Tensor
    pinned: Tensor

    def __init__(self, indices: Tensor, bits: int, group_size: int | None, pinned: Tensor) -> None:
        super().__init__()
        groups, entries = pinned.shape
        offsets = torch.arange(groups).repeat_interleave(indices.numel() // groups) * entries
        positions = indices.flatten() + offsets
        self.register_buffer("positions", positions)
        self.register_buffer("counts", positions.bincount(minlength=pinned.numel()).view_as(pinned).clamp_min(1))
        self.register_buffer("pinned", pinned.to(torch.float32))
        self.shape = indices.shape
        self.bits = bits
        self.group_size = group_size

    def forward(self, table: Tensor) -> Tensor:
        """The weight, from the table of shape (groups, entries)."""
        untyped: Any = _MeanGradient
        trained: Tensor = untyped.apply(table * self.pinned, self.counts)
        values = straight_through(trained, trained.to(FLOAT16).to(table.dtype))
        return values.flatten()[self.positions].reshape(self.shape)

    def form(self, name: str) -> WeightForm:
        """A lookup table."""
        has_zeros = bool((self.pinned == 0).any())
        return WeightForm(name=name, form="table", bits=self.bits, group_size=self.group_size, sparse=has_zeros)


class Binary(Constraint):
    """Sign times the mean magnitude of each output channel (Rastegari et al. 2016, eq. 6); gradients pass straight."""

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with two values a channel."""
        scale = weight.detach().abs().mean(dim=tuple(range(1, weight.dim())), keepdim=True)
        return straight_through(weight, torch.where(weight >= 0, scale, -scale))

    def form(self, name: str) -> WeightForm:
        """One-bit tables, one a channel."""
        return WeightForm(name=name, form="table", bits=1, group_size=1)


class Grid(Constraint):
    """Symmetric integer grid: multiples of the largest magnitude / (2^(bits-1) - 1), which is what converters compute.

    Args:
        bits: 8 or 4.
        block_size: input channels that share a scale with their whole kernels, as in Core ML; None for one scale an
            output channel.
        axis: of the output channels.
    """

    def __init__(self, bits: int, block_size: int | None, axis: int = 0) -> None:
        super().__init__()
        self.bits = bits
        self.block_size = block_size
        self.axis = axis

    def forward(self, weight: Tensor) -> Tensor:
        """The weight on its grid; gradients pass straight."""
        peaks = self._peaks(weight.detach())
        scale = self.scales(weight.detach())
        return straight_through(weight, torch.where(peaks < LEAST_PEAK, 0, (weight.detach() / scale).round() * scale))

    def scales(self, weight: Tensor) -> Tensor:
        """The step of each of its elements."""
        top: int = 2 ** (self.bits - 1) - 1
        return self._peaks(weight).clamp_min(LEAST_PEAK) / top

    def _peaks(self, weight: Tensor) -> Tensor:
        """The largest magnitude of each element's channel or block."""
        channels = weight.movedim(self.axis, 0)
        blocks = torch.unflatten(channels, 1, (-1, self.block_size or channels.shape[1])).flatten(2)
        peaks = blocks.abs().amax(2, keepdim=True).expand_as(blocks)
        return peaks.reshape(channels.shape).movedim(0, self.axis)

    def form(self, name: str) -> WeightForm:
        """A linear grid."""
        return WeightForm(name=name, form="linear", bits=self.bits, group_size=1, block_size=self.block_size)


class Half(Constraint):
    """Rounds to float16."""

    def forward(self, weight: Tensor) -> Tensor:
        """The nearest float16 values, in the weight's own type."""
        return straight_through(weight, weight.to(FLOAT16).to(weight.dtype))

    def form(self, name: str) -> WeightForm:
        """Float16."""
        return WeightForm(name=name, form="float16", bits=16)


def straight_through(weight: Tensor, value: Tensor) -> Tensor:
    """`value` forward, the gradient of `weight` backward; exact, because the difference is added in one rounding."""
    return _StraightThrough.apply(weight, value)  # type: ignore[no-any-return]


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class _MeanGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, counts: Tensor) -> Tensor:
        ctx.save_for_backward(counts)
        return table.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (counts,) = ctx.saved_tensors
        return gradient / counts, None


def constrain(layer: nn.Module, constraint: Constraint) -> None:
    """Put `constraint` on the layer's weight, after those it already has."""
    parametrize.register_parametrization(layer, "weight", constraint)


def share(layer: nn.Module, table: Tensor, constraint: SharedTable) -> None:
    """Make the layer's weight a lookup into `table`, which becomes the parameter that trains."""
    bake(layer)
    delattr(layer, "weight")
    layer.register_parameter("weight", nn.Parameter(table.clone()))
    parametrize.register_parametrization(layer, "weight", constraint, unsafe=True)


def constraints_of(layer: nn.Module) -> list[Constraint]:
    """The constraints of the layer's weight, first applied first."""
    if not parametrize.is_parametrized(layer, "weight"):
        return []
    parametrized: Any = layer
    return [item for item in parametrized.parametrizations["weight"] if isinstance(item, Constraint)]


def bake(layer: nn.Module) -> list[Constraint]:
    """Replace a constrained weight by the value it has now, and give the constraints that it had."""
    constraints = constraints_of(layer)
    if constraints:
        value = weight_of(layer).detach().clone()
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
        delattr(layer, "weight")
        layer.register_parameter("weight", nn.Parameter(value))
    return constraints


def rescaled(constraints: list[Constraint]) -> list[Constraint]:
    """Constraints that still hold when each output channel is multiplied by a number of its own.

    Zeros and signs do; a table of several channels and a grid do not, so batch norms are folded before those are made.
    """
    return [item for item in constraints if isinstance(item, Mask | Binary)]


def form_of(name: str, layer: nn.Module) -> WeightForm | None:
    """The form of the layer's weight: the last constraint decides, zeros of an earlier one are remembered."""
    forms = [constraint.form(name) for constraint in constraints_of(layer)]
    if not forms:
        return None
    tables = [form for form in forms if form.form == "table"]
    # A table keeps its few values on any grid, so the table is the smaller and truer description.
    chosen = tables[-1] if tables else forms[-1]
    return chosen.model_copy(update={"sparse": any(form.sparse for form in forms)})


def forms(module: nn.Module) -> dict[str, WeightForm]:
    """Forms of all constrained weights of a model by parameter name."""
    found = {}
    for name, layer in module.named_modules():
        parameter = f"{name}.weight" if name else "weight"
        form = form_of(parameter, layer) if hasattr(layer, "parametrizations") else None
        if form is not None:
            found[parameter] = form
    return found


def seal(module: nn.Module) -> tuple[WeightForm, ...]:
    """Bake every constraint of the model into plain weights; says which forms they have."""
    found = forms(module)
    for layer in list(module.modules()):
        if hasattr(layer, "parametrizations"):
            bake(layer)
    return tuple(found.values())
