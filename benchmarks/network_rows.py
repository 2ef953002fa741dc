"""The rows of `networks.py`: what is done to a network before and while it is converted to Core ML and TFLite."""

from typing import Any, NamedTuple

Table = dict[str, Any]


class Row(NamedTuple):
    """How a network is made small.

    Attributes:
        steps: of a recipe; none leaves the network as it is.
        coreml: what the target says of quantization.
        tflite: likewise.
        trains: whether it learns from the images, so that random weights would gain nothing.
    """

    steps: tuple[Table, ...] = ()
    coreml: Table = {}
    tflite: Table = {}
    trains: bool = False


RECOVER: Table = {
    "method": "recovery",
    "temperature": 2.0,
    "training": {
        "epochs": 20,
        "batch_size": 50,
        "optimizer": "Adam",
        "learning_rate": 0.0001,
        "optimizer_options": {},
        "warmup_epochs": 1,
        "clip_gradient": 1.0,
        "augment": ["crop", "flip", "mixup"],
    },
}
"""Minutes on two cores: what is made in one go, and not what the methods reach in hours (docs/compression.md)."""

GPTQ: Table = {"rounding": "gptq"}
GRID4: Table = {"method": "weight_quantization", "bits": 4, **GPTQ}
TABLES: Table = {"method": "weight_sharing", **GPTQ}
GROUPED: Table = {**TABLES, "granularity": "per_grouped_channel", "group_size": 8}
STATIC: Table = {"method": "static_quantization", "observer": "histogram", "bias_correction": True}
SPARSE: Table = {"method": "magnitude_pruning", "sparsity": 0.9, "scope": "global"}
HALF: Table = {"method": "channel_pruning", "macs": 0.5, "scope": "global", "max_ratio": 0.75}
INT4: Table = {"weights": {"nbits": 4}}
INT8: Table = {"mode": "int8"}
ACTIVATIONS: Table = {"activations": {"dtype": "int8", "scheme": "affine"}}
LINEAR8: Table = {"weights": {"method": "linear", "nbits": 8, "granularity": "per_channel"}}

ROWS: dict[str, Row] = {
    "float32 (Core ML: float16)": Row(),
    "float16": Row(tflite={"mode": "float16"}),
    "int8 weights": Row(coreml=LINEAR8, tflite={"mode": "dynamic_range"}),
    "int8 weights and activations": Row((STATIC,), ACTIVATIONS, INT8),
    "dynamic int8": Row(({"method": "dynamic_quantization"},)),
    "4-bit grids, to nearest": Row(({**GRID4, "rounding": "nearest"},), tflite=INT4),
    "4-bit grids, GPTQ": Row((GRID4,), tflite=INT4),
    "6-bit tables of 8 channels, GPTQ": Row(({**GROUPED, "bits": 6},)),
    "4-bit tables of 8 channels, GPTQ": Row(({**GROUPED, "bits": 4},)),
    "half the MACs": Row((HALF,)),
    "blocks to 3/4 of the MACs": Row(({"method": "block_removal", "macs": 0.75},)),
    "low rank, 80 % energy": Row(({"method": "low_rank", "energy": 0.8},)),
    "90 % sparse": Row((SPARSE,)),
    "2 zeros of 4, SparseGPT": Row(({"method": "nm_pruning", "reconstruction": "sparsegpt"},)),
    "blocks of 1x4, half zeros": Row(({"method": "block_pruning", "sparsity": 0.5},)),
    "binarized": Row(({"method": "binarization"},)),
    "int8 weights and activations, trained": Row(
        ({"method": "quantization_aware_training", "training": {**RECOVER["training"], "epochs": 5}},),
        ACTIVATIONS,
        INT8,
        trains=True,
    ),
    "half the MACs, distilled": Row((HALF, RECOVER), trains=True),
    "90 % sparse, recovered": Row((SPARSE, RECOVER), trains=True),
    "binarized, recovered": Row(({"method": "binarization"}, RECOVER), trains=True),
    "half the MACs, distilled, int8": Row((HALF, RECOVER, STATIC), ACTIVATIONS, INT8, trains=True),
    "90 % sparse, recovered, 4-bit tables": Row((SPARSE, RECOVER, {**TABLES, "bits": 4}), trains=True),
}
