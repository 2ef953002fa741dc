"""How many damaged artifacts does the verifier call passed?

Ten right artifacts of both formats are each damaged in twenty ways, in the weights or labels of the file itself, and
verified against the source under their target's own limits:

    python benchmarks/verifier_mutations.py

Prints every damaged file that passed, with what the damage did to the outputs of the right artifact: the
signal-to-noise ratio of the worst output, and the largest change of any value in shares of its output's largest
magnitude.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mutation_damages import DAMAGES, three_levels
from mutation_files import damaged_coreml, damaged_tflite, moved_coreml, moved_tflite
from mutation_models import pictures

from exporter.config.model import parse_shape
from exporter.config.targets import load_targets
from exporter.data.errors import ExporterError
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.target import Target
from exporter.data.verdict import Status
from exporter.datasets.open import open_dataset
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.formats.coreml.runner import CoremlRunner
from exporter.formats.files import file_facts
from exporter.formats.registry import advice_for
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.runner import LiteRTRunner
from exporter.gates.files import file_verdicts
from exporter.gates.parity import parity_verdicts
from exporter.sources.load import load_source
from exporter.sources.source import ModelSource
from exporter.store.output import publish
from exporter.verification.compare import Reference, compare, reference_outputs
from exporter.verification.runners import TorchRunner
from profilers.decibels import decibels

MODELS = Path(__file__).with_name("mutation_models.py")
# Model, input, shape of one example, class names, the TFLite target and the Core ML target.
CASES = (
    ("classifier", "1,3,32,32", (3, 32, 32), True, "pixel-8", "iphone-15"),
    ("segmenter", "1,3,32,32", (3, 32, 32), False, "android-gpu", "ipad-pro-m4"),
    ("tagger", "tokens:int64=1,12", (12,), False, "android-float", "ipad-pro-m4"),
    ("detector", "1,3,32,32", (3, 32, 32), False, "pixel-8", "iphone-15-w8a8"),
    ("sound", "spectrum=1,20,40", (20, 40), False, "android-float", "iphone-15-small"),
)
EXAMPLES = 32


LABELS = "labels or outputs moved"


def main() -> int:
    """Build, damage, verify, print; gives the number of damaged files that passed without being under the tolerance."""
    total = caught = 0
    passed: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        for place, (path, target, source, reference) in enumerate(_artifacts(Path(name))):
            right = _outputs(_runner(path, source), reference)
            own = _judge(path, target, source, reference)
            if own != "passed":
                raise SystemExit(f"{path} is not a right artifact to begin with: {own}")
            for damage, damaged in _damaged(path, Path(name) / f"damaged-{place}", source):
                total += 1
                outcome = _judge(damaged, target, source, reference)
                caught += outcome != "passed"
                if outcome == "passed":
                    change = _change(right, _outputs(_runner(damaged, source), reference))
                    passed.append(f"{path.parent.name}: {damage}: {change}")
                    print(f"  passed: {passed[-1]}", file=sys.stderr)
            print(f"{path.parent.name}: {total} damaged so far, {caught} not passed", file=sys.stderr)
    print(f"{total} damaged files, {caught} not passed, {len(passed)} passed:")
    print("\n".join(passed))
    return 0


def _artifacts(root: Path) -> Iterator[tuple[Path, Target, ModelSource, Reference]]:
    for model, shape, example, labelled, *targets in CASES:
        folder = root / model
        folder.mkdir()
        labels = folder / "labels.txt"
        labels.write_text("\n".join(f"class {index}" for index in range(10)))
        pixels = {"mean": (0.5,), "std": (0.25,)} if len(example) == 3 else {}
        settings = ModelSettings(inputs=(parse_shape(shape),), labels=labels if labelled else None, **pixels)
        source = load_source(f"{MODELS}:{model}", settings)
        data = folder / "data.npz"
        np.savez(data, x=_examples(example))
        dataset = open_dataset(str(data), source.description.inputs, "crop")
        runner = TorchRunner(source.module)
        reference = reference_outputs(runner, source.description, dataset, None, lambda done, of: None)
        session = ConversionSession(source, dataset, EXAMPLES)
        for target in load_targets(targets):
            out = root / f"{model} for {target.name}"
            out.mkdir()
            yield session.convert(target, out).path, target, source, reference


def _examples(shape: tuple[int, ...]) -> Any:
    """Tokens, smooth pictures, or spectra of unlike loudness."""
    generator = np.random.default_rng(7)
    if len(shape) == 1:
        return generator.integers(0, 200, (EXAMPLES, *shape))
    if len(shape) == 2:
        loudness = generator.lognormal(0, 1, (EXAMPLES, shape[0], 1))
        return (generator.standard_normal((EXAMPLES, *shape)) * loudness).astype(np.float32)
    return (pictures(EXAMPLES, 7).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)


def _runner(path: Path, source: ModelSource) -> ArtifactRunner:
    return (LiteRTRunner if path.suffix == ".tflite" else CoremlRunner)(path, source.description)


def _judge(path: Path, target: Target, source: ModelSource, reference: Reference) -> str:
    """``passed`` when every verdict about outputs and labels is; an artifact that does not run is not."""
    try:
        parity = compare(_runner(path, source), reference, lambda done, of: None)
    except (ExporterError, ValueError, KeyError) as error:
        return f"refused: {error}"
    verdicts = [
        *parity_verdicts(target, parity, advice=advice_for(target)),
        *file_verdicts(target.name, file_facts(path), source.description.labels),
    ]
    bad = [item for item in verdicts if item.status is Status.FAILED]
    return f"failed: {bad[0].metric}" if bad else "passed"


def _outputs(runner: ArtifactRunner, reference: Reference) -> list[list[Any]]:
    return [[np.asarray(value, np.float64) for value in runner(reference.data.batch(run))] for run in reference.runs]


def _change(right: Sequence[Sequence[Any]], damaged: Sequence[Sequence[Any]]) -> str:
    ratios, largest = [], 0.0
    for wanted, found in zip(zip(*right, strict=True), zip(*damaged, strict=True), strict=True):
        before, after = np.stack(wanted), np.stack(found)
        ratios.append(decibels(float((before**2).sum()), float(((before - after) ** 2).sum())))
        largest = max(largest, float(np.abs(before - after).max() / (np.abs(before).max() or 1)))
    return f"outputs changed by {min(ratios):.1f} dB, the largest value by {largest:.2%}"


def _damaged(path: Path, folder: Path, source: ModelSource) -> Iterator[tuple[str, Path]]:
    folder.mkdir()
    kind = damaged_tflite if path.suffix == ".tflite" else damaged_coreml
    for place, (name, damage) in enumerate(DAMAGES.items()):
        out = folder / f"{place}{path.suffix}"
        publish(path, out)
        if kind(out, damage):
            yield name, out
    out = folder / f"labels{path.suffix}"
    publish(path, out)
    if (moved_tflite if path.suffix == ".tflite" else moved_coreml)(out, bool(source.description.labels)):
        yield LABELS, out
    elif kind(out, three_levels):
        yield "the last layer in three levels", out


if __name__ == "__main__":
    sys.exit(main())
