"""A head that arrives as one tensor of boxes and scores, taken apart before it is put together.

Eight bits that must reach over hundreds of pixels cannot tell scores in [0, 1] apart.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from exporter.sources.outputs import flatten

_CATS = (torch.cat, torch.concat, torch.concatenate)


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


def chosen(module: torch.nn.Module, places: Sequence[int], *, in_parts: bool) -> torch.nn.Module:
    """A module that gives these outputs of `module` alone, whose layers keep their names.

    Args:
        places: of the outputs.
        in_parts: whether the first of them is given as the tensors from which the module puts it together.
    """
    own, shallow = module.forward, copy.copy(module)

    def forward(*inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        with _Cats() as cats:
            outputs = flatten(own(*inputs))
        wanted = [outputs[place] for place in places]
        return (*(cats.parts_of(wanted[0]) if in_parts else wanted[:1]), *wanted[1:])

    shallow.forward = forward
    return shallow
