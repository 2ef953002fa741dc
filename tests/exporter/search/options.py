"""Layers with ways to store them, as searches have them."""

import numpy as np

from exporter.data.facts.storage import Storage
from exporter.search.allocation import Option, Options


def storage(bits: int) -> Storage:
    """A grid of this many bits."""
    return Storage(form="grid", bits=bits)


def usual(layers: int = 12) -> Options:
    """Layers whose error falls fourfold with each bit, by layer more or less; some weigh a hundred times others."""
    return {
        f"layer{index}": [
            Option(
                storage=storage(bits),
                size_bytes=(index % 4 + 1) ** 3 * 100 * bits + 16,
                error=(1 + index % 5) * 4.0 ** (-bits),
            )
            for bits in (16, 8, 6, 4, 3, 2)
        ]
        for index in range(layers)
    }


def scattered(seed: int, layers: int = 53) -> Options:
    """Layers whose sizes and errors lie orders of magnitude apart, as those of real networks do."""
    random = np.random.default_rng(seed)
    return {f"layer{index}": _scattered(random) for index in range(layers)}


def _scattered(random: np.random.Generator) -> list[Option]:
    elements, error = int(10 ** random.uniform(2.5, 6)), 10 ** random.uniform(-6, -2)
    return [
        Option(
            storage=storage(bits),
            size_bytes=elements * bits // 8 + int(random.integers(0, 500)),
            error=error * 4.0 ** (8 - bits) * random.uniform(0.5, 2),
        )
        for bits in (2, 3, 4, 6, 8, 16)
    ]
