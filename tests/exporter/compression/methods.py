"""Every method with options small enough for a test; the contract suite runs over them."""

from typing import Any

TRAINING = {"epochs": 1, "batch_size": 25, "learning_rate": 0.005}

CASES: dict[str, list[dict[str, Any]]] = {
    "fine_tuning": [{"method": "fine_tuning", "training": TRAINING}],
    "recovery": [{"method": "recovery", "training": TRAINING, "features": ["block1"]}],
    "distillation": [{"method": "distillation", "width": 0.5, "training": TRAINING}],
    "channel_pruning": [{"method": "channel_pruning", "macs": 0.5, "scope": "global"}],
    "channel_pruning_agp": [{"method": "channel_pruning", "ratio": 0.5, "iterations": 2, "training": TRAINING}],
    "block_removal": [{"method": "block_removal", "blocks": 1}],
    "low_rank": [{"method": "low_rank", "rank": 4}],
    "magnitude_pruning": [{"method": "magnitude_pruning", "sparsity": 0.5}],
    "magnitude_pruning_agp": [
        {"method": "magnitude_pruning", "sparsity": 0.8, "scope": "global", "schedule": "agp", "training": TRAINING}
    ],
    "nm_pruning": [{"method": "nm_pruning"}],
    "block_pruning": [{"method": "block_pruning", "sparsity": 0.5}],
    "weight_sharing": [{"method": "weight_sharing", "bits": 3}],
    "weight_sharing_trained": [
        {"method": "weight_sharing", "bits": 2, "granularity": "per_grouped_channel", "group_size": 4},
        {"method": "recovery", "training": TRAINING},
    ],
    "binarization": [{"method": "binarization"}, {"method": "recovery", "training": TRAINING}],
    "float16": [{"method": "float16"}],
    "weight_quantization": [{"method": "weight_quantization", "bits": 4}],
    "weight_quantization_blocks": [
        {"method": "weight_quantization", "bits": 4, "granularity": "per_block", "block_size": 4,
         "rules": [{"name": "^(stem|depthwise)$", "apply": False}]}
    ],
    "dynamic_quantization": [{"method": "dynamic_quantization"}],
    "static_quantization": [
        {"method": "static_quantization", "observer": "histogram", "equalize": True, "bias_correction": True}
    ],
    "quantization_aware_training": [{"method": "quantization_aware_training", "training": TRAINING}],
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
}  # fmt: skip
