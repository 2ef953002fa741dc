"""Where a training runs and in which arithmetic."""

import contextlib
from typing import Any

import torch
from torch import nn


def pick_device(name: str) -> torch.device:
    """The device called `name`; ``auto`` takes the fastest there is."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_precision(name: str, device: torch.device) -> torch.dtype | None:
    """The type that the forward pass is cast to on `device`; None for float32.

    ``auto`` takes bfloat16 only where there are instructions for it: a CPU without AVX512-BF16 or AMX took 12 times as
    long with it as in float32.
    """
    if name == "auto":
        return torch.bfloat16 if _has_bfloat16(device) else None
    return {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]


def autocast(device: torch.device, precision: torch.dtype | None) -> contextlib.AbstractContextManager[None]:
    """Compute in `precision` inside; None leaves float32."""
    return torch.autocast(device.type, dtype=precision) if precision else contextlib.nullcontext()


def placed(module: nn.Module, device: torch.device | str, *, channels_last: bool) -> nn.Module:
    """The module on a device, its four-dimensional weights in the memory format that convolutions are fast in."""
    untyped: Any = module  # torch's stubs do not know the argument
    wanted = torch.channels_last if channels_last else torch.contiguous_format
    moved: nn.Module = untyped.to(device, memory_format=wanted)
    return moved


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())
