"""Removes whole residual blocks: those without which the model's outputs change least."""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from exporter.compression.layers import weighted_layers
from exporter.compression.model import Examples, evaluating, first_tensor
from exporter.data.errors import UsageProblem


def remove_blocks(
    module: nn.Module,
    example_inputs: Examples,
    batches: Sequence[Examples],
    *,
    enough: Callable[[int], bool],
    may_go: Callable[[str], bool],
) -> dict[str, float]:
    """Replace blocks by the identity in place, one at a time.

    Args:
        module: the model.
        example_inputs: fix the shapes.
        batches: on which the influence of a block is measured.
        enough: number of removed blocks -> whether to stop.
        may_go: name of a block -> whether it may be removed.

    Returns:
        The removed blocks and the influence that each had, first removed first.

    Raises:
        UsageProblem: there are too few blocks that can be bypassed.
    """
    wanted = _outputs(module, batches)
    removed: dict[str, float] = {}
    while not enough(len(removed)):
        names = [name for name in residual_blocks(module, example_inputs) if may_go(name)]
        if not names:
            raise _too_few(removed)
        influences = {name: _influence(module, name, wanted, batches) for name in names}
        least = min(influences, key=influences.__getitem__)
        module.set_submodule(least, nn.Identity())
        removed[least] = influences[least]
    return removed


def residual_blocks(module: nn.Module, example_inputs: Examples) -> list[str]:
    """Innermost submodules that give their input back when all their parameters are zero."""
    shapes = _same_shape(module, example_inputs)
    found: list[str] = []
    for name, given in sorted(shapes.items(), key=lambda item: -item[0].count(".")):
        inside = any(other.startswith(f"{name}.") for other in found)
        if not inside and _is_identity_at_zero(module.get_submodule(name), given):
            found.append(name)
    return [name for name in shapes if name in found]


def _too_few(removed: dict[str, float]) -> UsageProblem:
    if removed:
        return UsageProblem(
            f"block_removal: only {len(removed)} residual blocks can be bypassed ({', '.join(removed)}); ask for fewer."
        )
    return UsageProblem(
        "block_removal: no residual block of this model can be bypassed (input and output of the same shape); use "
        "channel_pruning."
    )


def _same_shape(module: nn.Module, example_inputs: Examples) -> dict[str, Tensor]:
    """Inputs of the submodules with layers, one tensor in and one of the same shape out, called once."""
    inputs: dict[str, Tensor] = {}
    calls: dict[str, int] = {}

    def hook(name: str, args: tuple[object, ...], output: object) -> None:
        calls[name] = calls.get(name, 0) + 1
        given = args[0] if len(args) == 1 else None
        if isinstance(given, Tensor) and isinstance(output, Tensor) and given.shape == output.shape:
            inputs[name] = given.detach()

    handles = [
        layer.register_forward_hook(lambda _, args, output, name=name: hook(name, args, output))
        for name, layer in module.named_modules()
        if name and any(inner for inner, _ in weighted_layers(layer))
    ]
    try:
        evaluating(module, example_inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {name: given for name, given in inputs.items() if calls[name] == 1}


def _is_identity_at_zero(block: nn.Module, given: Tensor) -> bool:
    twin = copy.deepcopy(block).eval()
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
        output = twin(given)
    return bool(torch.equal(output, given))


def _influence(module: nn.Module, name: str, wanted: Sequence[Tensor], batches: Sequence[Examples]) -> float:
    """Mean squared change of the outputs without the block, over the outputs' mean square."""
    block = module.get_submodule(name)
    module.set_submodule(name, nn.Identity())
    try:
        got = _outputs(module, batches)
    finally:
        module.set_submodule(name, block)
    error = sum(float((ours - theirs).square().sum()) for ours, theirs in zip(got, wanted, strict=True))
    return error / sum(float(theirs.square().sum()) for theirs in wanted)


def _outputs(module: nn.Module, batches: Sequence[Examples]) -> list[Tensor]:
    with torch.no_grad():
        return [first_tensor(module(*inputs)) for inputs in batches]
