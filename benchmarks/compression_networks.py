"""Compression of MobileNetV2 (ImageNet weights), ResNet50 and SqueezeNet1.1 (random weights: bytes and latency only).

    python benchmarks/compression_networks.py SHARED_FOLDER WORK_FOLDER mobilenet_v2|resnet50|squeezenet1_1 [ROW ...]

MobileNetV2 is calibrated and recovered on every second of the 500 shared images, without labels; accuracy is of the
other 250. Writes WORK_FOLDER/NETWORK.md. A method that has nothing to do says so in the table.
"""

import argparse
import csv
import io
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from compression_lines import Lines
from compression_measure import Form, Measured, Test, measure, table
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressedModel, CompressionData
from exporter.compression.recipe import load_recipe, parse_recipe
from exporter.data.errors import ExporterError
from exporter.data.facts.hints import CompressionHints
from exporter.data.settings.recipe import Recipe
from exporter.execution.heavy import load_torchvision

Steps = list[dict[str, Any]]
INT8 = Form("int8", activations=True)
DEPTHWISE = r"features\.1\.conv\.0\.0|features\.\d+\.conv\.1\.0"
SHARE4 = {
    "method": "weight_sharing",
    "granularity": "per_grouped_channel",
    "group_size": 1,
    # Nine weights a channel: their tables would be larger than they are.
    "rules": [{"name": DEPTHWISE, "apply": False}],
}
# 250 images are few: crops and mixtures, judged by the original network, keep the training from learning them by heart.
RECOVER = {
    "method": "recovery",
    "temperature": 2.0,
    "training": {
        "epochs": 450,
        "batch_size": 50,
        "optimizer": "Adam",
        "learning_rate": 0.0001,
        "optimizer_options": {},
        "warmup_epochs": 5,
        "clip_gradient": 1.0,
        "augment": ["crop", "flip", "mixup"],
    },
}
MOBILENET: dict[str, tuple[Steps | str, Form]] = {
    "float32 (Core ML: float16)": ([], Form()),
    "static int8, stock": ([{"method": "static_quantization"}], INT8),
    "static int8, preset static-int8": ("static-int8", INT8),
    "static int8, equalized, corrected biases": (
        [{"method": "static_quantization", "observer": "histogram", "equalize": True, "bias_correction": True}],
        INT8,
    ),
    "4-bit tables, no training": ([SHARE4], Form()),
    "4-bit tables, recovered": ([SHARE4, RECOVER], Form()),
}
RANDOM: dict[str, tuple[Steps | str, Form]] = {
    "float32 (Core ML: float16)": ([], Form()),
    "float16": ([{"method": "float16"}], Form("float16")),
    "weights int8": ([{"method": "weight_quantization"}], Form("dynamic_range")),
    "weights int4, blocks of 32": (
        [{"method": "weight_quantization", "bits": 4, "granularity": "per_block", "block_size": 32}],
        Form(),
    ),
    "dynamic int8": ([{"method": "dynamic_quantization"}], Form()),
    "static int8": ([{"method": "static_quantization"}], INT8),
    "half the MACs": ([{"method": "channel_pruning", "macs": 0.5}], Form()),
    "blocks to 3/4 of the MACs": ([{"method": "block_removal", "macs": 0.75}], Form()),
    "low rank, 60 % energy": ([{"method": "low_rank", "energy": 0.6}], Form()),
    "90 % sparse": ([{"method": "magnitude_pruning", "sparsity": 0.9}], Form()),
    "2 zeros of 4": ([{"method": "nm_pruning"}], Form()),
    "blocks of 1x4, 75 % zeros": ([{"method": "block_pruning", "sparsity": 0.75}], Form()),
    "4-bit tables": ([{"method": "weight_sharing"}], Form()),
    "90 % sparse + 4-bit tables": (
        [{"method": "magnitude_pruning", "sparsity": 0.9}, {"method": "weight_sharing"}],
        Form(),
    ),
    "binarized": ([{"method": "binarization"}], Form()),
}


class Bench(NamedTuple):
    """One network with its data; `test` is empty for random weights."""

    network: nn.Module
    data: CompressionData
    test: Test | None


def main() -> None:
    """Measure the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("network", choices=["mobilenet_v2", "resnet50", "squeezenet1_1"])
    parser.add_argument("rows", nargs="*")
    given = parser.parse_args()
    torch.set_num_threads(1)
    bench = mobilenet(given.shared) if given.network == "mobilenet_v2" else untrained(given.network)
    known = MOBILENET if given.network == "mobilenet_v2" else RANDOM
    rows: list[Measured] = []
    refused: list[str] = []
    for name in given.rows or known:
        steps, form = known[name]
        try:
            compressed = compress(bench, name, steps, given.work / "checkpoints" / given.network)
            print(f"{name}: {top1(compressed.module, bench.test)} in torch", flush=True)
            artifacts = given.work / "artifacts" / given.network
            images = bench.data.calibration[0][0]
            rows.append(measure(name, compressed, form, images, artifacts, test=bench.test))
            print(rows[-1], flush=True)
        except ExporterError as error:
            refused.append(f"{name}: {error}")
            print(refused[-1], flush=True)
    text = table(rows) + "".join(f"\n{line}\n" for line in refused)
    (given.work / f"{given.network}.md").write_text(text, encoding="utf-8")
    print(text)


def compress(bench: Bench, name: str, steps: Steps | str, checkpoints: Path) -> CompressedModel:
    """The network after a recipe, given as steps or as a preset's name; as it is after no steps."""
    example = (bench.data.calibration[0][0][:1].clone(),)
    if not steps:
        return CompressedModel(bench.network, example, (), CompressionHints())
    recipe: Recipe = load_recipe(steps) if isinstance(steps, str) else parse_recipe("row", {"steps": steps})
    folder = checkpoints / name.replace(" ", "_")
    return apply_recipe(bench.network, example, recipe, bench.data, checkpoint_dir=folder, progress=Lines(name))


def mobilenet(shared: Path) -> Bench:
    """MobileNetV2 with the shared weights and images (the weights are for inputs from -1 to 1)."""
    images, labels = _images(shared / "data" / "imagenet_sample_500.zip")
    network = load_torchvision().models.mobilenet_v2(weights=None)
    network.load_state_dict(torch.load(shared / "models" / "mobilenet_v2_imagenet.pt", weights_only=True))
    unlabelled = images[::2]
    data = CompressionData(((unlabelled[:100],),), TensorDataset(unlabelled), labelled=False)
    return Bench(network.eval(), data, (images[1::2], labels[1::2]))


def untrained(name: str) -> Bench:
    """A torchvision network with random weights and noise for images."""
    torch.manual_seed(0)
    network: nn.Module = getattr(load_torchvision().models, name)(weights=None).eval()
    return Bench(network, CompressionData(((torch.randn(8, 3, 224, 224),),)), None)


def top1(module: nn.Module, test: Test | None) -> str:
    """Percent in PyTorch."""
    if test is None:
        return "top-1 not measured"
    with torch.no_grad():
        found = torch.cat([module(batch).argmax(1) for batch in test[0].split(25)]).tolist()
    return f"{100 * sum(one == label for one, label in zip(found, test[1], strict=True)) / len(found):.1f} %"


def _images(archive: Path) -> tuple[Tensor, list[int]]:
    with zipfile.ZipFile(archive) as content:
        (listing,) = (name for name in content.namelist() if name.endswith("labels.csv"))
        rows = list(csv.DictReader(io.TextIOWrapper(content.open(listing))))
        folder = listing.removesuffix("labels.csv")
        pixels = [np.asarray(Image.open(content.open(folder + row["path"])).convert("RGB")) for row in rows]
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images, [int(row["label"]) for row in rows]


if __name__ == "__main__":
    main()
