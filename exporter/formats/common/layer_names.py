"""Finds out which PyTorch layer a converted weight came from, by its values.

Converters rename weights, fold batch norms into them and permute their axes. Folding multiplies an output channel by
one factor, so the directions of the channels' weights identify a layer before and after.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_SIMILARITY = 0.99
MOST_ROWS, MOST_COLUMNS = 64, 1024
"""Of each weight so much is compared, evenly spread."""


def match_layers(own: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Name of the layer for each found weight that has one.

    Args:
        own: layer name -> weight with the output channels first, as torch has it.
        found: any key -> weight of the converted float model, in the same axis order.
    """
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for layer, weight in own.items():
        groups[weight.shape].append(layer)
    directions = {layer: _directions(weight) for layer, weight in own.items()}
    result: dict[str, str] = {}
    for key, weight in found.items():
        candidates = groups.get(weight.shape, [])
        if not candidates:
            continue
        wanted = _directions(weight)
        similarity = {layer: _similarity(wanted, directions[layer]) for layer in candidates}
        best = max(candidates, key=similarity.__getitem__)
        if similarity[best] >= LEAST_SIMILARITY:
            result[key] = best
            candidates.remove(best)
    return result


def _directions(weight: NDArray[Any]) -> NDArray[np.float32]:
    """Rows (output channels) of unit length; rows of zeros stay zero."""
    every = weight.reshape(len(weight), -1)
    steps = max(1, len(every) // MOST_ROWS), max(1, every.shape[1] // MOST_COLUMNS)
    rows = every[:: steps[0], :: steps[1]].astype(np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms == 0, 1, norms), np.float32)


def _similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Mean magnitude of the cosine between rows that are not zero in both; a folded factor may be negative."""
    alive = first.any(axis=1) & second.any(axis=1)
    cosines = np.abs((first * second).sum(axis=1))[alive]
    return float(cosines.mean()) if len(cosines) else 0.0


def layer_weights(module: Any) -> dict[str, NDArray[Any]]:
    """Weights with at least two dimensions by layer name, output channels first."""
    weights = {}
    owners = dict(module.named_modules())
    for name, parameter in module.named_parameters():
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and parameter.ndim >= 2:
            values = parameter.detach().cpu().float().numpy()
            owner = owners.get(layer, module)
            kind = getattr(owner, "original_name", type(owner).__name__)  # a script module's own class
            weights[layer] = values.swapaxes(0, 1) if "ConvTranspose" in kind else values
    return weights
