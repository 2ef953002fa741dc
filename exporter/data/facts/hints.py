"""CompressionHints: what compression decided and a converter must keep, as data that travels beside the model.

Weights of a compressed model already lie on their final values: two to the power of `bits` distinct ones for a table,
multiples of the largest magnitude / 127 for an int8 grid. A converter that stores a weight in the named form therefore
stores exactly what was trained. Only activation ranges are not in the weights; they are matched by `signature`.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exporter.data.base import Frozen
from exporter.data.errors import UsageProblem

PT2_ENTRY = "compression.json"
"""Name under which a .pt2 file carries its hints."""


class WeightForm(Frozen):
    """How one weight is meant to be stored.

    Attributes:
        name: the parameter's dotted name.
        form: ``sparse`` (zeros to skip), ``table`` (indices into distinct values), ``linear`` (symmetric integer grid),
            ``float16``.
        bits: of an index or integer; 16 for float16; None for sparse.
        group_size: output channels that share a table or scale; None means the whole tensor.
        block_size: input channels that share a scale with their whole kernels; None means all of a channel.
        sparse: whether zeros of an earlier pruning are kept as well (a joint form).
    """

    name: str
    form: Literal["sparse", "table", "linear", "float16"]
    bits: int | None = None
    group_size: int | None = None
    block_size: int | None = None
    sparse: bool = False


Signature = tuple[float, float, float, float, float]


class ActivationRange(Frozen):
    """Range of one quantized activation (8 bits, affine, zero included).

    Attributes:
        name: the node that computes it, for people.
        minimum: value of the lowest of the 256 steps.
        maximum: value of the highest.
        signatures: `signature` of the float model's values on the probe input, with its own weights and with weights
            rounded to float16, as Core ML stores them; it does not depend on names or memory layout, so it finds the
            same activation in a converted graph.
        elements: values of one example.
    """

    name: str
    minimum: float
    maximum: float
    elements: int
    signatures: tuple[Signature, ...]


class CompressionHints(Frozen):
    """Everything that a converter must honour; empty for an uncompressed model.

    Attributes:
        weights: one entry for each weight that a step gave a form.
        activations: ranges of a statically quantized model, in the order of computation.
        probe_seed: of `probe_input`.
    """

    weights: tuple[WeightForm, ...] = ()
    activations: tuple[ActivationRange, ...] = ()
    probe_seed: int = 0


def probe_input(shape: Sequence[int], seed: int) -> NDArray[np.float32]:
    """The probe input: one example of `shape` but for its batch, standard normal noise, the same on every machine."""
    return np.random.default_rng(seed).standard_normal((1, *shape[1:])).astype(np.float32)


def signature(values: NDArray[Any]) -> Signature:
    """Mean, standard deviation, minimum, maximum and mean magnitude; the same in every memory layout."""
    flat = values.astype(np.float64)
    return float(flat.mean()), float(flat.std()), float(flat.min()), float(flat.max()), float(np.abs(flat).mean())


def parse_hints(text: str, where: str) -> CompressionHints:
    """Hints of a file; an empty text means none.

    Raises:
        UsageProblem: they are damaged or of a newer version of this program.
    """
    try:
        return CompressionHints.model_validate_json(text) if text else CompressionHints()
    except ValueError as error:
        raise UsageProblem(
            f"{where}: its compression hints cannot be read; compress the model again with this version."
        ) from error
