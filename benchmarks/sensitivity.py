"""Predicted errors of a search against measured ones: MobileNetV2, one layer changed at a time.

    python benchmarks/sensitivity.py SHARED [--every 4]

SHARED holds ``models/mobilenet_v2_imagenet.pt`` and ``data/imagenet_sample_500.zip``. Prints, for each layer and
storage, the divergence (nats) that `exporter.search.sensitivity` predicts from one backward pass, the one that is
measured with the layer's weight changed, and in the end the spread of their ratios.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from imagenet import images_of, mobilenet
from torch import Tensor, nn

from exporter.compression.forms.folding import fold_batch_norms
from exporter.compression.layers import weight_of
from exporter.formats.registry import format_named
from exporter.search.sensitivity import output_errors
from exporter.search.storages import changes, weights_of

BATCH, IMAGES = 16, 96
LEAST = 1e-3
"""Nats below which the measured divergence is rounding."""


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--every", type=int, default=4, help="look at each so-manieth layer")
    given = parser.parse_args()
    module = mobilenet(given.shared)
    fold_batch_norms(module)
    batches = [(one,) for one in images_of(given.shared)[0][::2][:IMAGES].split(BATCH)]
    target = format_named("coreml").target_type.model_validate(
        {"name": "ios", "format": "coreml", "minimum_os": "iOS 18"}
    )
    (variant,) = (one for one in format_named("coreml").variants(target) if one.name == "weights")
    assert variant.storages is not None
    weights = dict(list(weights_of(module).items())[:: given.every])
    storages = {layer: variant.storages(weight) for layer, weight in weights.items()}
    started = time.monotonic()
    made = changes(module, storages, batches, 0, lambda done, total: None)
    rounded = time.monotonic()
    predicted = output_errors(module, batches, made, "classes", 0, lambda done, total: None)
    print(f"rounded in {rounded - started:.1f} s, predicted in {time.monotonic() - rounded:.1f} s")
    with torch.no_grad():
        float_logs = [module(images).log_softmax(1) for (images,) in batches]
    ratios = []
    for layer, given_storages in storages.items():
        for storage, change, error in zip(given_storages, made[layer], predicted[layer], strict=True):
            measured = _measured(module, layer, change, batches, float_logs)
            print(f"{layer:24} {storage.name:28} predicted {error:.5f} measured {measured:.5f}")
            if measured > LEAST:
                ratios.append(error / measured)
    low, middle, high = np.percentile(ratios, (2.5, 50, 97.5))
    print(f"{len(ratios)} above {LEAST} nats: predicted over measured {middle:.2f}, 95 % in {low:.2f} to {high:.2f}")


def _measured(
    module: nn.Module, layer: str, change: Tensor, batches: list[tuple[Tensor]], float_logs: list[Tensor]
) -> float:
    weight = weight_of(module.get_submodule(layer))
    total, kept = 0.0, weight.detach().clone()
    with torch.no_grad():
        weight += change
        for (images,), wanted in zip(batches, float_logs, strict=True):
            total += float((wanted.exp() * (wanted - module(images).log_softmax(1))).sum())
        weight.copy_(kept)
    return total / IMAGES


if __name__ == "__main__":
    main()
