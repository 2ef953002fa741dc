"""Layers with ways to store them, as searches have them."""

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
