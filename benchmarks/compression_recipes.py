"""The rows of `benchmarks/compression.py`: recipes, and the form in which each is shipped."""

from typing import Any, Literal, NamedTuple

from compression_measure import Form

CAREFUL: dict[str, Any] = {
    "optimizer_options": {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4},
    "precision": "auto",
    "augment": ["flip", "shift"],
}


def training(epochs: int, learning_rate: float, **more: Any) -> dict[str, Any]:
    """Settings of one training on CIFAR-10."""
    return {**CAREFUL, "epochs": epochs, "learning_rate": learning_rate, "warmup_epochs": 0.5, **more}


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        model: ``resnet20`` or ``resnet56``.
        steps: of the recipe.
        form: in which it is shipped.
        start: from which weights: fine-tuned (the result of the row of the model's name), as shared, or random ones.
        checkpoints: name that rows with the same first trainings share; the row's own when empty.
    """

    model: str
    steps: list[dict[str, Any]]
    form: Form = Form()
    start: Literal["fine-tuned", "as shared", "random"] = "fine-tuned"
    checkpoints: str = ""


INT8 = Form("int8", activations=True)
BASE = {"optimizer_options": {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}}
# Tables of two output channels cost 3 % of the bytes and keep more than one for the whole layer.
SHARE3 = [
    {
        "method": "weight_sharing",
        "bits": 3,
        "granularity": "per_grouped_channel",
        "group_size": 2,
        "rules": [{"name": "^linear$", "apply": False}, {"name": "^conv1$", "bits": 4}],
    },
    {
        "method": "weight_sharing",
        "bits": 4,
        "rules": [{"name": "", "apply": False}, {"name": "^linear$", "apply": True}],
    },
]
# Without batch norms, which are folded, a network bears less: at a rate of 0.01 this one died.
SETTLE = {"method": "recovery", "training": training(3, 0.002, clip_gradient=1.0)}
STATIC = {"method": "static_quantization", "observer": "histogram"}
# Local: a global ranking spares the wide, early layers, where the time is spent.
HALF: list[dict[str, Any]] = [
    {"method": "channel_pruning", "macs": 0.5},
    {"method": "recovery", "training": training(70, 0.05)},
]
SCRATCH = training(25, 0.1, **BASE)
DISTILLED = {
    "method": "distillation",
    "student": "resnet20 as shared",
    "alpha": 0.7,
    "training": training(8, 0.02, **BASE),
}


def sparse(epochs: int) -> list[dict[str, Any]]:
    """90 % zeros along a short AGP curve, so that most of the training recovers from them."""
    return [
        {
            "method": "magnitude_pruning",
            "sparsity": 0.9,
            "scope": "global",
            "schedule": "agp",
            "ramp": 0.4,
            "training": training(epochs, 0.05),
        }
    ]


CIFAR_ROWS: dict[str, Row] = {
    "resnet20": Row("resnet20", [{"method": "fine_tuning", "training": training(8, 0.02, **BASE)}], start="as shared"),
    "resnet56": Row("resnet56", [{"method": "fine_tuning", "training": training(3, 0.02, **BASE)}], start="as shared"),
    "float16": Row("resnet20", [{"method": "float16"}], Form("float16")),
    "weights int8": Row("resnet20", [{"method": "weight_quantization", "bits": 8}], Form("dynamic_range")),
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
    "static int8": Row("resnet20", [STATIC], INT8),
    "QAT int8": Row(
        "resnet20",
        [{"method": "quantization_aware_training", "training": training(2, 0.001)}],
        INT8,
    ),
    "weight sharing, 3 bits": Row("resnet20", [*SHARE3, SETTLE]),
    "weight sharing, 4 bits, no training": Row("resnet20", [{"method": "weight_sharing", "bits": 4}]),
    "half the MACs": Row("resnet20", HALF, checkpoints="half"),
    "90 % sparse": Row("resnet20", sparse(40)),
    "90 % sparse resnet56": Row("resnet56", sparse(30)),
    "binarized": Row("resnet20", [{"method": "binarization"}, {"method": "recovery", "training": training(3, 0.02)}]),
    "distilled from resnet56": Row("resnet56", [DISTILLED], checkpoints="distilled"),
    "from scratch": Row("resnet20", [{"method": "fine_tuning", "training": SCRATCH}], start="random"),
    "from scratch, distilled from resnet56": Row(
        "resnet20",
        [{"method": "distillation", "teacher": "resnet56", "alpha": 0.7, "training": SCRATCH}],
        start="random",
    ),
    "half the MACs + int8": Row("resnet20", [*HALF, STATIC], INT8, checkpoints="half"),
    "joint: resnet56 to resnet20, 3 bits": Row(
        "resnet56",
        [DISTILLED, *SHARE3, SETTLE],
        checkpoints="distilled",
    ),
}
