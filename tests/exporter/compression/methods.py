"""Steps of every method, small enough for a test; the contract suite runs over them."""

from typing import Any

from exporter.compression.registry import METHODS, method_named

TRAINING = {"epochs": 1, "batch_size": 25, "learning_rate": 0.005}

Steps = list[dict[str, Any]]


def example_of(name: str) -> Steps:
    """The method's own example; one that always trains does so for an epoch."""
    method = method_named(name)
    field = method.step.model_fields.get("training")
    training = {} if field is None or field.default is None else {"training": TRAINING}
    return [{"method": name, **method.example, **training}]


VARIANTS: dict[str, Steps] = {
    "recovery_by_features": [{"method": "recovery", "training": TRAINING, "features": ["block1"]}],
    "channel_pruning_global": [{"method": "channel_pruning", "macs": 0.5, "scope": "global"}],
    "channel_pruning_taylor": [{"method": "channel_pruning", "parameters": 0.7, "criterion": "taylor"}],
    "channel_pruning_agp": [{"method": "channel_pruning", "ratio": 0.5, "iterations": 2, "training": TRAINING}],
    "magnitude_pruning_agp": [
        {"method": "magnitude_pruning", "sparsity": 0.8, "scope": "global", "schedule": "agp", "training": TRAINING}
    ],
    "magnitude_pruning_by_snr": [{"method": "magnitude_pruning", "snr_db": 10.0}],
    "magnitude_pruning_on_data": [
        {"method": "magnitude_pruning", "sparsity": 0.7, "reconstruction": "sparsegpt"},
        {"method": "weight_quantization", "bits": 8, "rounding": "gptq"},
    ],
    "nm_pruning_on_data": [
        {"method": "nm_pruning", "reconstruction": "sparsegpt"},
        {"method": "recovery", "training": TRAINING},
    ],
    "weight_sharing_trained": [
        {"method": "weight_sharing", "bits": 2, "granularity": "per_grouped_channel", "group_size": 4},
        {"method": "recovery", "training": TRAINING},
    ],
    "binarization_trained": [{"method": "binarization"}, {"method": "recovery", "training": TRAINING}],
    "weight_quantization_blocks": [
        {
            "method": "weight_quantization",
            "bits": 4,
            "granularity": "per_block",
            "block_size": 4,
            "rules": [{"name": "^(stem|depthwise)$", "apply": False}],
        }
    ],
    "weight_quantization_on_data": [{"method": "weight_quantization", "bits": 4, "rounding": "gptq"}],
    "weight_sharing_on_data": [
        {"method": "magnitude_pruning", "sparsity": 0.5},
        {"method": "weight_sharing", "bits": 3, "granularity": "per_grouped_channel", "group_size": 4}
        | {"rounding": "gptq"},
    ],
    "mixed_precision_on_data": [
        {
            "method": "mixed_precision",
            "bits": 4,
            "rounding": "gptq",
            "rules": [
                {"name": "stem", "apply": False},
                {"name": "block1", "form": "table", "bits": 3},
                {"name": "block2", "granularity": "per_block", "block_size": 4},
                {"type": "Linear", "form": "float16"},
                {"name": "right", "form": "table", "granularity": "per_grouped_channel", "group_size": 10},
            ],
        },
    ],
    "weight_quantization_adaround": [{"method": "weight_quantization", "bits": 4, "rounding": "adaround"}],
    "mixed_precision_brecq": [
        {
            "method": "mixed_precision",
            "bits": 4,
            "rounding": "brecq",
            "rules": [{"name": "block1", "form": "table", "bits": 3}, {"type": "Linear", "form": "float16"}],
        },
    ],
    "static_quantization_on_data": [{"method": "static_quantization", "weight_bits": 4, "rounding": "gptq"}],
    "static_quantization_corrected": [
        {"method": "static_quantization", "observer": "histogram", "equalize": True, "bias_correction": True}
    ],
    "quantization_aware_training_learned": [
        {"method": "quantization_aware_training", "ranges": "learned", "training": TRAINING}
    ],
    "joint": [
        {"method": "channel_pruning", "ratio": 0.25},
        {"method": "magnitude_pruning", "sparsity": 0.5},
        {"method": "weight_sharing", "bits": 4},
        {"method": "recovery", "training": TRAINING},
        {"method": "static_quantization"},
    ],
}
CASES: dict[str, Steps] = {name: example_of(name) for name in METHODS} | VARIANTS
