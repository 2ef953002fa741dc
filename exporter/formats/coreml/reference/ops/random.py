"""Random tensors. Semantics: coremltools ``iOS15/random.py``.

The distributions are MIL's; the numbers are torch's, since no specification names a generator. A seed of -1 takes
numbers from torch's global generator.
"""

import torch

from exporter.formats.coreml.reference.family import Family, Ints, Tensor

FAMILY = Family("random")


def _generator(seed: int) -> torch.Generator | None:
    return None if seed == -1 else torch.Generator().manual_seed(seed)


@FAMILY.op("random_bernoulli", pure=False)
def random_bernoulli(shape: Ints, prob: float = 0.5, seed: int = -1) -> Tensor:
    """One with probability `prob`, otherwise zero."""
    return (torch.rand(list(shape), generator=_generator(seed)) < prob).to(torch.float32)


@FAMILY.op("random_categorical", pure=False)
def random_categorical(x: Tensor, mode: str = "logits", size: int = 1, seed: int = -1) -> Tensor:
    """Places in the last dimension, drawn with replacement by its (log) probabilities."""
    shares = torch.softmax(x, -1) if mode == "logits" else x
    draws = torch.multinomial(shares.reshape(-1, x.shape[-1]), size, replacement=True, generator=_generator(seed))
    return draws.reshape(*x.shape[:-1], size)


@FAMILY.op("random_normal", pure=False)
def random_normal(shape: Ints, mean: float = 0.0, stddev: float = 1.0, seed: int = -1) -> Tensor:
    """Normally distributed numbers."""
    return torch.randn(list(shape), generator=_generator(seed)) * stddev + mean


@FAMILY.op("random_uniform", pure=False)
def random_uniform(shape: Ints, low: float = 0.0, high: float = 1.0, seed: int = -1) -> Tensor:
    """Evenly distributed numbers from `low` to below `high`."""
    return torch.rand(list(shape), generator=_generator(seed)) * (high - low) + low
