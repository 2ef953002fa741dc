"""The table of docs/compression.md: every method on CIFAR-10, measured on the converted files.

    python benchmarks/compression.py SHARED_FOLDER WORK_FOLDER [ROW ...]

Trains what the work folder does not hold yet (checkpoints survive a kill), converts each result to both formats, and
writes WORK_FOLDER/table.md. Without ROWs, all of `compression_recipes.CIFAR_ROWS`. `--kept` measures only rows that are
trained already.
"""

import argparse
import statistics
import time
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from compression_recipes import CIFAR_ROWS
from compression_training import Cifar

from exporter.compression import CompressedModel
from exporter.conversion.session import ConversionSession
from exporter.coreml_reference import ReferenceModel
from exporter.datasets.dataset import Dataset
from exporter.heavy import load
from exporter.sources.description import ImageSpec, InputSpec, SourceDescription, SourceKind
from exporter.sources.load import ModelSource
from exporter.sources.settings import ModelSettings
from exporter.targets.settings import Activations, CoremlQuantization, CoremlTarget, TfliteQuantization, TfliteTarget

COREML_EVERY = 10
RUNS = 300


class Measured(NamedTuple):
    """One line of the table; ratios are against the uncompressed ResNet-20."""

    name: str
    torch_top1: float
    tflite_bytes: int
    tflite_download: int
    tflite_top1: float
    coreml_bytes: int
    coreml_download: int
    coreml_top1: float
    p50_ms: float
    weight_bytes: float


def main() -> None:
    """Measure the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--kept", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cifar = Cifar(given.shared, given.work)
    names = [name for name in given.rows or CIFAR_ROWS if not given.kept or cifar.path(name).exists()]
    rows = []
    for name in names:
        rows.append(measure(cifar, name, given.work / "artifacts"))
        print(rows[-1], flush=True)
    (given.work / "table.md").write_text(table(rows), encoding="utf-8")
    print(table(rows))


def measure(cifar: Cifar, name: str, folder: Path) -> Measured:
    """Convert one row's model to both formats and measure the files."""
    compressed = cifar.compressed(name)
    own = folder / name.replace(" ", "_").replace(":", "")
    own.mkdir(parents=True, exist_ok=True)
    session = ConversionSession(_source(compressed), _calibration(cifar), 64)
    tflite = session.convert(_tflite_target(name), own).path
    package = session.convert(_coreml_target(name), own).path
    stats = compressed.steps[-1].after if compressed.steps else None
    layers = stats.layers if stats else ()
    return Measured(
        name, cifar.top1(compressed.module), tflite.stat().st_size, deflated([tflite]), tflite_top1(tflite, cifar),
        _size(package), deflated(sorted(path for path in package.rglob("*") if path.is_file())),
        coreml_top1(package, cifar), p50_ms(tflite),
        sum(layer.parameters * layer.bits_per_weight for layer in layers) / 8,
    )  # fmt: skip


def tflite_top1(path: Path, cifar: Cifar) -> float:
    """Percent of all test images, by LiteRT."""
    run = _invoker(path)
    images = cifar.test[0].permute(0, 2, 3, 1).contiguous().numpy()
    labels = cifar.test[1].tolist()
    hits = [int(run(image[None]).argmax()) == label for image, label in zip(images, labels, strict=True)]
    return 100 * sum(hits) / len(hits)


def coreml_top1(package: Path, cifar: Cifar) -> float:
    """Percent of every tenth test image, by the reference evaluator."""
    model = ReferenceModel(package)
    images, labels = cifar.test[0][::COREML_EVERY].numpy(), cifar.test[1][::COREML_EVERY].tolist()
    found = [next(iter(model.predict({"image": image[None]}).values())).argmax() for image in images]
    return 100 * sum(int(one) == label for one, label in zip(found, labels, strict=True)) / len(labels)


def p50_ms(path: Path) -> float:
    """Median time of one inference with one thread."""
    run = _invoker(path)
    image = np.zeros((1, 32, 32, 3), np.float32)
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run(image)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def deflated(paths: list[Path]) -> int:
    """Bytes of a compressed download: DEFLATE of each file, as in a .apk or .ipa."""
    return sum(len(zlib.compress(path.read_bytes(), 9)) for path in paths)


def table(rows: list[Measured]) -> str:
    """Markdown."""
    base = next((row for row in rows if row.name == "resnet20"), rows[0])
    lines = [
        "| | torch top-1 | TFLite bytes | download | top-1 | Core ML bytes | download | top-1 (of 500) | p50 ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = f"{row.tflite_bytes:,} ({base.tflite_bytes / row.tflite_bytes:.1f}x)"
        coreml = f"{row.coreml_bytes:,} ({base.coreml_bytes / row.coreml_bytes:.1f}x)"
        latency = f"{row.p50_ms:.3f} ({row.p50_ms / base.p50_ms:.2f}x)"
        lines.append(
            f"| {row.name} | {row.torch_top1:.2f} | {ratio} | {row.tflite_download:,} | {row.tflite_top1:.2f} "
            f"| {coreml} | {row.coreml_download:,} | {row.coreml_top1:.1f} | {latency} |"
        )
    return "\n".join(lines) + "\n"


def _invoker(path: Path) -> Any:
    interpreter = load("ai_edge_litert.interpreter").Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    given, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(image: np.ndarray[Any, Any]) -> Any:
        interpreter.set_tensor(given, image)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return run


def _source(compressed: CompressedModel) -> ModelSource:
    # The images are normalized already; what matters here is that the converters know an image.
    pixels = ImageSpec(mean=(0, 0, 0), std=(1, 1, 1), color="RGB")
    inputs = (InputSpec(name="image", shape=(1, 3, 32, 32), image=pixels),)
    description = SourceDescription(
        spec="cifar", kind=SourceKind.FACTORY, digest="", inputs=inputs, outputs=("logits",), parameters=0, size_bytes=0
    )
    return ModelSource(description, ModelSettings(), compressed.module, hints=compressed.hints)


def _calibration(cifar: Cifar) -> Dataset:
    return Dataset(
        "calibration", "", len(cifar.calibration), lambda index: (cifar.calibration[index].contiguous().numpy(),)
    )


def _tflite_target(name: str) -> TfliteTarget:
    mode: Any = CIFAR_ROWS[name].tflite
    quantization = TfliteQuantization(mode=mode)
    return TfliteTarget(name="row", format="tflite", minimum_os="Android 14", quantization=quantization)


def _coreml_target(name: str) -> CoremlTarget:
    activations = Activations(scheme="affine") if CIFAR_ROWS[name].activations else None
    return CoremlTarget(
        name="row", format="coreml", minimum_os="iOS 18", input_kind="tensor",
        quantization=CoremlQuantization(activations=activations),
    )  # fmt: skip


def _size(package: Path) -> int:
    return sum(path.stat().st_size for path in package.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
