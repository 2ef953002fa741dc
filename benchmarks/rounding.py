"""What rounding on data keeps of MobileNetV2 (ImageNet weights), way by way; weights in torch, activations in float.

    python benchmarks/rounding.py SHARED_FOLDER [ROW ...] [--budget "600 s"]
    python benchmarks/rounding.py SHARED_FOLDER --time

Every second of the 500 shared images, 128 of them, calibrates without labels; the other 250 are tried. Prints a table:
top-1, how often the class is the float model's, the Kullback-Leibler divergence of the outputs from its, and the time.
With --time, one wide layer of ResNet50 and how long GPTQ takes for it, input by input and in blocks of inputs.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from imagenet import images_of, mobilenet
from torch import Tensor, nn

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressionData
from exporter.compression.recipe import parse_recipe
from exporter.compression.rounding import gptq

Step = dict[str, Any]
GRID = {"method": "weight_quantization", "bits": 4}
TABLE = {"method": "weight_sharing"}
GROUPED = {**TABLE, "granularity": "per_grouped_channel", "group_size": 16}
TRAINED = ("adaround", "brecq")
ROWS: dict[str, Step] = {
    **{f"4-bit grids, {way}": {**GRID, "rounding": way} for way in ("nearest", "gptq", *TRAINED)},
    **{
        f"{bits}-bit tables{name}, {way}": {**step, "bits": bits, "rounding": way}
        for bits in (4, 6)
        for name, step in (("", TABLE), (" of 16 channels", GROUPED))
        for way in ("nearest", "gptq")
    },
}


def main() -> None:
    """Print the rows, each when it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--budget", default="600 s", help="of each training that rounds")
    parser.add_argument("--time", action="store_true")
    given = parser.parse_args()
    if given.time:
        print_times()
        return
    network = mobilenet(given.shared)
    pixels, classes = images_of(given.shared)
    calibration, images, labels = pixels[:256:2], pixels[1::2], torch.tensor(classes[1::2])
    wanted = outputs(network, images)
    print("| | top-1 | same class | divergence | s |\n|---|---|---|---|---|")
    print(f"| float32 | {percent(wanted.argmax(1) == labels)} | 100.0 | 0 | |", flush=True)
    for name in given.rows or ROWS:
        start = time.monotonic()
        recipe = parse_recipe("row", {"steps": [budgeted(ROWS[name], given.budget)]})
        found = apply_recipe(network, (images[:1],), recipe, CompressionData(((calibration,),)))
        seconds = time.monotonic() - start
        print(f"| {name} | {compared(outputs(found.module, images), wanted, labels)} | {seconds:.0f} |", flush=True)
        cut = found.steps[0].notes.get("trainings_cut_short", 0)
        if cut:
            print(f"({name}: {cut} trainings were cut short)")


def budgeted(step: Step, budget: str) -> Step:
    """With so much time for what trains."""
    return {**step, "rounding_budget": budget} if step["rounding"] in TRAINED else step


def outputs(module: nn.Module, images: Tensor) -> Tensor:
    """Logits."""
    with torch.no_grad():
        return torch.cat([module(batch) for batch in images.split(25)])


def compared(found: Tensor, wanted: Tensor, labels: Tensor) -> str:
    """Cells of a row."""
    logs = found.log_softmax(1), wanted.log_softmax(1)
    divergence = float(nn.functional.kl_div(*logs, log_target=True, reduction="batchmean"))
    own, theirs = found.argmax(1), wanted.argmax(1)
    return f"{percent(own == labels)} | {percent(own == theirs)} | {divergence:.3f}"


def percent(right: Tensor) -> str:
    """Share of what is true."""
    return f"{100 * float(right.float().mean()):.1f}"


def print_times() -> None:
    """One 3x3 convolution of 512 channels: its 4608 inputs one by one, and in blocks."""
    generator = torch.Generator().manual_seed(0)
    read, weight = torch.randn(1, 2048, 4608, generator=generator), torch.randn(1, 512, 4608, generator=generator)
    hessian = read.mT @ read / 2048
    order = torch.arange(4608)[None]
    for name, size in (("one by one", 4608), ("in blocks of 128", 128)):
        start = time.monotonic()
        gptq.compensated(weight, hessian, order, size, lambda *_: lambda column, _: column.round())
        print(f"4608 inputs, 512 outputs, {name}: {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
