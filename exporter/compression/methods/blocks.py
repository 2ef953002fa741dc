"""Removes whole residual blocks: those without which the model's outputs change least."""

import copy

import torch
from torch import Tensor, nn

from exporter.compression.layers import options_for, weighted_layers
from exporter.compression.model import Context, Examples, Outcome, evaluating, first_tensor
from exporter.compression.stats import macs
from exporter.data.errors import UsageProblem
from exporter.data.recipe import BlockRemoval


def remove_blocks(module: nn.Module, step: BlockRemoval, context: Context) -> Outcome:
    """Replace blocks by the identity, one at a time, until the number or the share of MACs is reached."""
    if not context.data.calibration:
        raise UsageProblem("block_removal needs calibration data to measure each block's influence: give --data.")
    before = macs(module, context.example_inputs)
    wanted = _outputs(module, context)
    removed: dict[str, float] = {}
    while not _enough(module, step, context, before, len(removed)):
        influences = {name: _influence(module, name, wanted, context) for name in _candidates(module, step, context)}
        if not influences:
            raise UsageProblem(
                f"block_removal: only {len(removed)} residual blocks can be bypassed ({', '.join(removed)}); ask for "
                "fewer."
                if removed
                else "block_removal: no residual block of this model can be bypassed (input and output of the same "
                "shape); use channel_pruning."
            )
        least = min(influences, key=influences.__getitem__)
        module.set_submodule(least, nn.Identity())
        removed[least] = influences[least]
    return Outcome(module, notes={"removed": removed})


def residual_blocks(module: nn.Module, example_inputs: Examples) -> list[str]:
    """Innermost submodules that give their input back when all their parameters are zero."""
    shapes = _same_shape(module, example_inputs)
    found: list[str] = []
    for name, given in sorted(shapes.items(), key=lambda item: -item[0].count(".")):
        inside = any(other.startswith(f"{name}.") for other in found)
        if not inside and _is_identity_at_zero(module.get_submodule(name), given):
            found.append(name)
    return [name for name in shapes if name in found]


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


def _candidates(module: nn.Module, step: BlockRemoval, context: Context) -> list[str]:
    blocks = residual_blocks(module, context.example_inputs)
    return [
        name for name in blocks if options_for(name, module.get_submodule(name), step.rules).get("apply") is not False
    ]


def _influence(module: nn.Module, name: str, wanted: list[Tensor], context: Context) -> float:
    """Mean squared change of the outputs without the block, over the outputs' mean square."""
    block = module.get_submodule(name)
    module.set_submodule(name, nn.Identity())
    try:
        got = _outputs(module, context)
    finally:
        module.set_submodule(name, block)
    error = sum(float((ours - theirs).square().sum()) for ours, theirs in zip(got, wanted, strict=True))
    return error / sum(float(theirs.square().sum()) for theirs in wanted)


def _outputs(module: nn.Module, context: Context) -> list[Tensor]:
    with torch.no_grad():
        return [first_tensor(module(batch)) for batch in context.data.calibration]


def _enough(module: nn.Module, step: BlockRemoval, context: Context, before: int, removed: int) -> bool:
    if step.blocks is not None:
        return removed >= step.blocks
    assert step.macs is not None
    return macs(module, context.example_inputs) <= step.macs * before
