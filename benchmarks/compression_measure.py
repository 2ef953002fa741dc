"""Converts a compressed model to both formats and measures the files; shared by the compression benchmarks."""

import statistics
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from exporter.compression.model import CompressedModel
from exporter.data.facts.source import ImageSpec, InputSpec, SourceDescription, SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.datasets.dataset import Dataset
from exporter.execution.heavy import load
from exporter.formats.coreml.reference import ReferenceModel
from exporter.formats.coreml.settings import Activations, CoremlQuantization, CoremlTarget
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.settings import TfliteQuantization, TfliteTarget
from exporter.sources.source import ModelSource

RUNS, WARMUP = 300, 10
SECONDS = 60.0

Array = np.ndarray[Any, Any]
Test = tuple[Tensor, Sequence[int]]


class Form(NamedTuple):
    """How a compressed model is shipped: the TFLite mode, and whether Core ML quantizes activations as well."""

    tflite: str = "float32"
    activations: bool = False


class Measured(NamedTuple):
    """The files of one row.

    Attributes:
        tflite_bytes, coreml_bytes: as on disk.
        tflite_download, coreml_download: each file DEFLATEd, as in a .apk or .ipa.
        tflite_top1: percent, by LiteRT; None without labelled images.
        coreml_top1: percent, by the reference evaluator; None without labelled images.
        tflite: the file, for its latency.
        weight_bytes: of the layers' weights in their forms, tables and scales included.
    """

    name: str
    tflite_bytes: int
    tflite_download: int
    tflite_top1: float | None
    coreml_bytes: int
    coreml_download: int
    coreml_top1: float | None
    weight_bytes: float
    tflite: Path


def measure(
    name: str,
    compressed: CompressedModel,
    form: Form,
    calibration: Tensor,
    folder: Path,
    *,
    test: Test | None = None,
) -> Measured:
    """Convert to both formats below `folder` and measure.

    Args:
        calibration: images, float32 (N, C, H, W), for the ranges that the recipe did not fix.
        test: images and their labels.
    """
    own = folder / "".join(character for character in name.replace(" ", "_") if character not in ":%,/")
    own.mkdir(parents=True, exist_ok=True)
    session = ConversionSession(_source(compressed), _dataset(calibration), min(64, len(calibration)))
    tflite = session.convert(_tflite_target(form), own).path
    package = session.convert(_coreml_target(form), own).path
    files = sorted(path for path in package.rglob("*") if path.is_file())
    layers = compressed.steps[-1].after.layers if compressed.steps else ()
    return Measured(
        name=name,
        tflite_bytes=tflite.stat().st_size,
        tflite_download=deflated([tflite]),
        tflite_top1=test and tflite_top1(tflite, *test),
        coreml_bytes=sum(path.stat().st_size for path in files),
        coreml_download=deflated(files),
        coreml_top1=test and coreml_top1(package, *test),
        weight_bytes=sum(layer.parameters * layer.bits_per_weight for layer in layers) / 8,
        tflite=tflite,
    )


def tflite_top1(path: Path, images: Tensor, labels: Sequence[int]) -> float:
    """Percent of the images, by LiteRT with one thread."""
    run, _ = invoker(path)
    pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
    hits = [int(run(image[None]).argmax()) == label for image, label in zip(pixels, labels, strict=True)]
    return 100 * sum(hits) / len(hits)


def coreml_top1(package: Path, images: Tensor, labels: Sequence[int]) -> float:
    """Percent of the images, by the reference evaluator."""
    model = ReferenceModel(package)
    found = [next(iter(model.predict({"image": image[None].numpy()}).values())).argmax() for image in images]
    return 100 * sum(int(one) == label for one, label in zip(found, labels, strict=True)) / len(labels)


def p50_ms(paths: Sequence[Path]) -> list[float]:
    """Median time of one inference with one thread, of every file.

    The files take turns, so that a busy machine slows all of them alike: 300 rounds, or as many as fit into 60 seconds.
    """
    calls = [_timed(path) for path in paths]
    times: list[list[float]] = [[] for _ in paths]
    ends = time.monotonic() + SECONDS
    for number in range(WARMUP + RUNS):
        for call, own in zip(calls, times, strict=True):
            elapsed = call()
            if number >= WARMUP:
                own.append(elapsed)
        if number > WARMUP and time.monotonic() > ends:
            break
    return [1000 * statistics.median(own) for own in times]


def _timed(path: Path) -> Callable[[], float]:
    run, shape = invoker(path)
    image = np.zeros(shape, np.float32)

    def call() -> float:
        started = time.perf_counter()
        run(image)
        return time.perf_counter() - started

    return call


def invoker(path: Path) -> tuple[Callable[[Array], Array], tuple[int, ...]]:
    """Runs the file, float32 images (1, H, W, C) to float32 outputs; and the images' shape."""
    interpreter = load("ai_edge_litert.interpreter").Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    given, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]["index"]

    def run(image: Array) -> Array:
        interpreter.set_tensor(given["index"], image)
        interpreter.invoke()
        output: Array = interpreter.get_tensor(result)
        return output

    return run, tuple(given["shape"])


def deflated(paths: Sequence[Path]) -> int:
    """Bytes of a compressed download: DEFLATE of each file, as in a .apk or .ipa."""
    return sum(len(zlib.compress(path.read_bytes(), 9)) for path in paths)


def table(rows: Sequence[Measured]) -> str:
    """Markdown; ratios are against the first row. The latencies are taken here, of all rows in turn."""
    if not rows:
        return ""
    base = rows[0]
    latencies = p50_ms([row.tflite for row in rows])
    lines = [
        "| | TFLite bytes | download | top-1 | Core ML bytes | download | top-1 | p50 ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row, latency in zip(rows, latencies, strict=True):
        cells = [
            row.name,
            f"{row.tflite_bytes:,} ({base.tflite_bytes / row.tflite_bytes:.1f}x)",
            f"{row.tflite_download:,}",
            _percent(row.tflite_top1),
            f"{row.coreml_bytes:,} ({base.coreml_bytes / row.coreml_bytes:.1f}x)",
            f"{row.coreml_download:,}",
            _percent(row.coreml_top1),
            f"{latency:.3f} ({latency / latencies[0]:.2f}x)",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"


def _source(compressed: CompressedModel) -> ModelSource:
    # The images are normalized already; what matters here is that the converters know an image.
    pixels = ImageSpec(mean=(0, 0, 0), std=(1, 1, 1), color="RGB")
    shape = (1, *compressed.example_inputs[0].shape[1:])
    inputs = (InputSpec(name="image", shape=shape, image=pixels),)
    description = SourceDescription(
        spec="row", kind=SourceKind.FACTORY, digest="", inputs=inputs, outputs=("logits",), parameters=0, size_bytes=0
    )
    return ModelSource(description, ModelSettings(), compressed.module, hints=compressed.hints)


def _dataset(images: Tensor) -> Dataset:
    return Dataset("calibration", "", len(images), lambda index: (images[index].contiguous().numpy(),))


def _tflite_target(form: Form) -> TfliteTarget:
    mode: Any = form.tflite
    quantization = TfliteQuantization(mode=mode)
    return TfliteTarget(name="row", format="tflite", minimum_os="Android 14", quantization=quantization)


def _coreml_target(form: Form) -> CoremlTarget:
    activations = Activations(scheme="affine") if form.activations else None
    quantization = CoremlQuantization(activations=activations)
    return CoremlTarget(
        name="row", format="coreml", minimum_os="iOS 18", input_kind="tensor", quantization=quantization
    )
