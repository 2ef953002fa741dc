"""The rows of `benchmarks/compression.py`: recipes, and the form in which each is shipped."""

from typing import Any, NamedTuple

CAREFUL: dict[str, Any] = {
    "optimizer_options": {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4},
    "precision": "bfloat16",
    "augment": ["flip", "shift"],
}


def training(epochs: int, learning_rate: float, **more: Any) -> dict[str, Any]:
    """Settings of one training on CIFAR-10."""
    return {**CAREFUL, "epochs": epochs, "learning_rate": learning_rate, "warmup_epochs": 0.5, **more}


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        model: ``resnet20`` or ``resnet56``, fine-tuned, unless `fresh`.
        steps: of the recipe.
        tflite: quantization mode of the TFLite target.
        activations: whether Core ML quantizes activations as well.
        fresh: start from the weights as shared instead of the fine-tuned ones.
    """

    model: str
    steps: list[dict[str, Any]]
    tflite: str = "float32"
    activations: bool = False
    fresh: bool = False


BASE = {"optimizer_options": {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}}
SHARE3 = {"method": "weight_sharing", "bits": 3}
STATIC = {"method": "static_quantization", "observer": "histogram"}
HALF = {"method": "channel_pruning", "macs": 0.5, "criterion": "l2", "scope": "global", "max_ratio": 0.75}
CIFAR_ROWS: dict[str, Row] = {
    "resnet20": Row("resnet20", [{"method": "fine_tuning", "training": training(8, 0.02, **BASE)}], fresh=True),
    "resnet56": Row("resnet56", [{"method": "fine_tuning", "training": training(2, 0.02, **BASE)}], fresh=True),
    "float16": Row("resnet20", [{"method": "float16"}], "float16"),
    "weights int8": Row("resnet20", [{"method": "weight_quantization", "bits": 8}], "dynamic_range"),
    "weights int4": Row(
        "resnet20",
        [
            {
                "method": "weight_quantization",
                "bits": 4,
                "granularity": "per_block",
                "block_size": 16,
                "rules": [{"name": "^conv1$", "apply": False}],
            }
        ],
    ),
    "static int8": Row("resnet20", [STATIC], "int8", activations=True),
    "QAT int8": Row(
        "resnet20",
        [{"method": "quantization_aware_training", "training": training(2, 0.001)}],
        "int8",
        activations=True,
    ),
    "weight sharing, 3 bits": Row("resnet20", [SHARE3, {"method": "recovery", "training": training(3, 0.005)}]),
    "weight sharing, 4 bits, no training": Row("resnet20", [{"method": "weight_sharing", "bits": 4}]),
    "half the MACs": Row("resnet20", [HALF, {"method": "recovery", "training": training(8, 0.03)}]),
    "90 % sparse": Row(
        "resnet20",
        [
            {
                "method": "magnitude_pruning",
                "sparsity": 0.9,
                "scope": "global",
                "schedule": "agp",
                "training": training(8, 0.02),
            }
        ],
    ),
    "binarized": Row("resnet20", [{"method": "binarization"}, {"method": "recovery", "training": training(8, 0.02)}]),
    "distilled from resnet56": Row(
        "resnet20",
        [{"method": "distillation", "teacher": "resnet56", "alpha": 0.7, "training": training(8, 0.02, **BASE)}],
        fresh=True,
    ),
    "half the MACs + int8": Row(
        "resnet20", [HALF, {"method": "recovery", "training": training(8, 0.03)}, STATIC], "int8", activations=True
    ),
    "70 % sparse + 3 bits": Row(
        "resnet20",
        [
            {
                "method": "magnitude_pruning",
                "sparsity": 0.7,
                "scope": "global",
                "schedule": "agp",
                "training": training(4, 0.02),
            },
            SHARE3,
            {"method": "recovery", "training": training(3, 0.005)},
        ],
    ),
    "joint: resnet56 to resnet20, 4 bits": Row(
        "resnet56",
        [
            {"method": "distillation", "student": "resnet20", "alpha": 0.7, "training": training(8, 0.02, **BASE)},
            {"method": "weight_sharing", "bits": 4},
            {"method": "recovery", "training": training(2, 0.005)},
        ],
    ),
}
