"""Finds out which PyTorch layer a converted weight came from, by its values.

Converters rename weights, fold batch norms into them and permute their axes. Folding multiplies an output channel by
one factor, so the directions of the rows identify a weight before and after.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_SIMILARITY = 0.999
MOST_PAIRS = 4096


def match_layers(own: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Name of the layer for each found weight that has one.

    Args:
        own: layer name -> weight with the output channels first, as torch has it.
        found: any key -> weight of the converted float model, in the same axis order.
    """
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for layer, weight in own.items():
        groups[weight.shape].append(layer)
    taken: set[str] = set()
    result: dict[str, str] = {}
    signatures: dict[str, NDArray[np.float32]] = {}
    for key, weight in found.items():
        candidates = [layer for layer in groups.get(weight.shape, ()) if layer not in taken]
        if not candidates or len(candidates) * len(found) > MOST_PAIRS * 64:
            continue
        wanted = _signature(weight)
        for layer in candidates:
            if layer not in signatures:
                signatures[layer] = _signature(own[layer])
        best = max(candidates, key=lambda layer: _similarity(wanted, signatures[layer]))
        if _similarity(wanted, signatures[best]) >= LEAST_SIMILARITY:
            result[key] = best
            taken.add(best)
    return result


def _signature(weight: NDArray[Any]) -> NDArray[np.float32]:
    """Rows of unit length, at most 4096 numbers of them all; rows of zeros stay."""
    rows = weight.reshape(len(weight), -1)
    rows = rows[:, :: max(1, rows.size // MOST_PAIRS)].astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, 1, lengths), np.float32)


def _similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Mean cosine of the rows, whatever their signs; 1 for two rows of zeros."""
    cosines = np.abs((first * second).sum(1))
    both_zero = ~first.any(1) & ~second.any(1)
    return float(np.where(both_zero, 1, cosines).mean())


def layer_weights(module: Any) -> dict[str, NDArray[Any]]:
    """Weights with at least two dimensions by layer name, output channels first."""
    weights = {}
    for name, parameter in module.named_parameters():
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and parameter.ndim >= 2:
            values = parameter.detach().cpu().float().numpy()
            owner = module.get_submodule(layer) if layer else module
            weights[layer] = values.swapaxes(0, 1) if "ConvTranspose" in type(owner).__name__ else values
    return weights
