"""Ways to store the weight of a layer, with the bytes that each takes: what a search chooses from."""

import math
from typing import Literal

from exporter.data.base import Frozen

TABLE_ENTRY_BYTES = 2
"""Values of tables are float16, as Core ML stores them."""

StorageForm = Literal["table", "grid", "float16", "float32"]
Activations = Literal["float", "int8", "int16"]
Granularity = Literal["per_tensor", "per_grouped_channel", "per_channel", "per_block"]


class WeightFacts(Frozen):
    """What decides how a weight can be stored.

    Attributes:
        layer: dotted name of its module.
        type: class name of the module, such as ``Conv2d``.
        shape: of the weight, as PyTorch has it.
        groups: of a convolution; 1 elsewhere.
    """

    layer: str
    type: str
    shape: tuple[int, ...]
    groups: int = 1

    @property
    def elements(self) -> int:
        """Of the weight."""
        return math.prod(self.shape)

    @property
    def transposed(self) -> bool:
        """Whether output channels are its second axis."""
        return "Transpose" in self.type

    @property
    def channels(self) -> int:
        """Output channels: of one group where it is transposed."""
        return self.shape[1 if self.transposed else 0]

    @property
    def inputs(self) -> int:
        """Input channels that an output channel reads."""
        return self.shape[0 if self.transposed else 1]


class Storage(Frozen):
    """One way to store a weight, and what the layer reads beside it.

    Attributes:
        form: indices into a table, integers on a symmetric grid, or floating point.
        bits: of a stored weight.
        granularity: what shares a table or a scale; None for floating point.
        group_size: output channels that share a table; for ``per_grouped_channel``.
        block_size: input channels that share a scale; for ``per_block``.
        scale_bytes: of one scale of a grid.
        activations: of the layer's inputs.
    """

    form: StorageForm
    bits: int
    granularity: Granularity | None = None
    group_size: int | None = None
    block_size: int | None = None
    scale_bytes: int = 2
    activations: Activations = "float"

    @property
    def name(self) -> str:
        """For people: ``4-bit table per 16 channels``, ``8-bit grid, int8 activations``, ``float16``."""
        if self.form in ("float16", "float32"):
            return self.form
        where = {
            "per_grouped_channel": f" per {self.group_size} channels",
            "per_block": f" per {self.block_size} inputs",
        }
        read = "" if self.activations == "float" else f", {self.activations} activations"
        return f"{self.bits}-bit {self.form}{where.get(self.granularity or '', '')}{read}"

    @property
    def anywhere(self) -> bool:
        """Whether it is a table or a grid that any weight can have, however many channels it has."""
        return self.granularity in ("per_tensor", "per_channel")

    def fits(self, weight: WeightFacts) -> bool:
        """Whether the weight divides as it must, and is larger than what describes it."""
        if weight.transposed and (self.group_size or self.block_size):  # their channels are not the first axis
            return False
        if self.group_size and weight.channels % self.group_size:
            return False
        if self.block_size and weight.inputs % self.block_size:
            return False
        return self.form in ("float16", "float32") or self.bytes_of(weight) < TABLE_ENTRY_BYTES * weight.elements

    def bytes_of(self, weight: WeightFacts) -> int:
        """Of the weight and of its tables or scales, without what a file's structure takes."""
        stored = math.ceil(weight.elements * self.bits / 8)
        if self.form == "table":
            tables = weight.channels // self.group_size if self.group_size else 1
            return stored + (tables << self.bits) * TABLE_ENTRY_BYTES
        if self.form == "grid":
            blocks = weight.inputs // self.block_size if self.block_size else 1
            return stored + weight.channels * blocks * self.scale_bytes
        return stored


class Sensitivities(Frozen):
    """What every way to store each weight does to the outputs.

    Attributes:
        weights: of the layers, in the order of the model.
        errors: by layer and name of the storage; nats of divergence where outputs are scores of classes, else noise
            against signal.
    """

    weights: tuple[WeightFacts, ...] = ()
    errors: dict[str, dict[str, float]] = {}
