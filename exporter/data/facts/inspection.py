"""Inspection: the facts of one artifact, as frozen data."""

from collections import Counter, defaultdict
from typing import Literal

from exporter.data.base import Frozen
from exporter.data.facts.pictures import Picture
from exporter.data.settings.flexible import Flexible

WeightKind = Literal["weight", "bias", "constant"]


class TensorFact(Frozen):
    """An input or output of the model.

    Attributes:
        shape: -1 where a dimension may have any length.
        flexible: the shapes that it may have, where the file says them; `shape` is the usual one then.
        picture: how a picture becomes it, where the file says so.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    flexible: Flexible | None = None
    picture: Picture | None = None


class OpFact(Frozen):
    """One operator.

    Attributes:
        dtype: element type that it computes in.
        before: whether it is not the model's, and stands before it: normalization of pixels.
        behind: whether it is not the model's, and stands behind it: decoding of a head, suppression of boxes.
    """

    name: str
    type: str
    dtype: str
    before: bool = False
    behind: bool = False


class WeightFact(Frozen):
    """One constant of the model.

    Attributes:
        layer: the layer that uses it.
        dtype: as stored: ``float32``, ``int8``, ``uint4`` (a palette's indices), ...
        size_bytes: stored bytes, with tables, scales and masks.
        nonzeros: elements that are not zero; None when the stored form does not tell without being evaluated.
        distinct: distinct values.
        quantization: ``none``, or the form: ``linear per_channel``, ``palettized``, ``sparse``, ``sparse palettized``.
        bits_per_weight: stored bits an element.
    """

    name: str
    layer: str
    kind: WeightKind
    op_type: str
    dtype: str
    shape: tuple[int, ...]
    parameters: int
    size_bytes: int
    nonzeros: int | None
    distinct: int | None
    quantization: str
    bits_per_weight: float


class Inspection(Frozen):
    """What is inside an artifact.

    Attributes:
        size_bytes: of the file, or of all files of a package.
        metadata: facts that the file says of itself: author, version, minimum deployment target, ...
    """

    path: str
    format: str
    size_bytes: int
    inputs: tuple[TensorFact, ...]
    outputs: tuple[TensorFact, ...]
    ops: tuple[OpFact, ...]
    weights: tuple[WeightFact, ...]
    metadata: dict[str, str] = {}

    def bytes_by_dtype(self) -> dict[str, int]:
        """Stored bytes of constants by element type, largest first."""
        return _largest_first((weight.dtype, weight.size_bytes) for weight in self.weights)

    def bytes_by_layer(self) -> dict[str, int]:
        """Stored bytes of constants by layer, largest first."""
        return _largest_first((weight.layer, weight.size_bytes) for weight in self.weights)

    def ops_by_type(self) -> dict[str, int]:
        """How many operators of each type, most first."""
        return dict(Counter(op.type for op in self.ops).most_common())

    def bits_per_weight(self) -> float | None:
        """Stored bits an element over weights (not biases and other constants)."""
        weights = [weight for weight in self.weights if weight.kind == "weight"]
        parameters = sum(weight.parameters for weight in weights)
        return 8 * sum(weight.size_bytes for weight in weights) / parameters if parameters else None

    def sparsity(self) -> float | None:
        """Share of zero elements over the weights for which it is known."""
        known = [weight for weight in self.weights if weight.kind == "weight" and weight.nonzeros is not None]
        parameters = sum(weight.parameters for weight in known)
        return 1 - sum(weight.nonzeros or 0 for weight in known) / parameters if parameters else None

    def float_ops(self) -> list[OpFact]:
        """The model's operators that compute in floating point, conversions to and from integers left out."""
        conversions = {"QUANTIZE", "DEQUANTIZE", "quantize", "dequantize", "cast"}
        own = (op for op in self.ops if not (op.before or op.behind) and op.type not in conversions)
        return [op for op in own if op.dtype.startswith("float")]

    def integer_ops(self) -> list[OpFact]:
        """Operators that compute in integers of 16 bits or fewer."""
        return [op for op in self.ops if op.dtype in ("int8", "uint8", "int16")]

    def uncompressed_weights(self) -> list[WeightFact]:
        """Weights that are stored in floating point."""
        return [item for item in self.weights if item.kind == "weight" and item.quantization == "none"]


def _largest_first(pairs: object) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for key, size in pairs:  # type: ignore[attr-defined]
        sums[key] += size
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))
