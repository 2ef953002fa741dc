"""What every format owes to the rest of the program; `tests/exporter/formats/NAME/case.py` says how one is tried."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from exporter.compression.apply import apply_recipe
from exporter.compression.forms.files import save_compressed
from exporter.compression.model import CompressionData
from exporter.compression.recipe import parse_recipe
from exporter.config.targets import load_targets
from exporter.data.errors import ToolError
from exporter.data.facts.checks import Support
from exporter.data.facts.storage import Storage
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.target import Target
from exporter.formats.common.bytes.damage import Damage
from exporter.formats.common.deciding import NOT_IN_ARTIFACTS
from exporter.formats.format import Format, Origin
from exporter.formats.session import Conversion, ConversionSession
from exporter.formats.variants import Variant
from exporter.search.recipes import FLOATS, tables_text, weights_recipe
from exporter.search.storages import weights_of
from exporter.sources.load import load_source
from exporter.sources.source import ModelSource
from exporter.verification.runners import TorchRunner

HEAVY = {"torch", "tensorflow", "coremltools", "onnx", "onnxruntime", "onnx2tf", "ai_edge_litert"}
LEAST_SNR_DB = 40.0


@dataclass(frozen=True)
class Case:
    """How a format is tried.

    Attributes:
        minimum_os: of a plain target.
        compressed: quantization that must make the artifact smaller.
        replaced: settings that `decides` says in another form.
    """

    minimum_os: str
    compressed: dict[str, Any]
    replaced: frozenset[str] = frozenset()


def target_of(form: Format, case: Case, quantization: dict[str, Any] | None = None) -> Target:
    """A target with these settings, of the format's own type."""
    settings = {"name": "t", "format": form.name, "minimum_os": case.minimum_os}
    return form.target_type.model_validate(settings | ({"quantization": quantization} if quantization else {}))


def names_are_its_own(form: Format, others: list[Format]) -> None:
    """A file's suffix tells one format."""
    for other in others:
        assert other is form or not {form.name, *form.suffixes} & {other.name, *other.suffixes}
    assert Path(form.file_name).suffix == Path(form.twin_name).suffix == form.suffixes[0]
    assert form.file_name != form.twin_name
    assert set(form.packing.folders) <= set(form.suffixes)


def is_light(form: Format) -> None:
    """Asking the table, for settings or for facts of packing, loads no heavy library."""
    script = (
        f"import sys\nfrom exporter.formats.registry import format_named\nform = format_named({form.name!r})\n"
        "form.target_type, form.packing, form.evaluators(), form.host_runner()\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY


def every_setting_decides(form: Format, case: Case) -> None:
    """A setting that somebody adds is in the key of the artifact unless it is known not to matter."""
    plain, compressed = (form.decides(target_of(form, case, value)) for value in (None, case.compressed))
    assert set(form.target_type.model_fields) - NOT_IN_ARTIFACTS - case.replaced <= set(plain)
    assert not NOT_IN_ARTIFACTS & set(plain)
    assert plain != compressed
    assert form.advice(target_of(form, case, case.compressed)).compresses


def computes_what_the_source_does(form: Format, case: Case, source: ModelSource, folder: Path) -> None:
    """Converted, named, inspected, evaluated by all that this machine has; the same bytes a second time."""
    made = _made(form, case, source, folder / "first")
    assert made.route
    assert not made.notes
    assert made.path.name == form.file_name
    assert made.twin_path.name == form.twin_name
    assert made.inspection.format == form.name
    assert made.inspection.ops
    assert made.inspection.weights
    for name in form.evaluators():
        assert _snr(form, name, made.path, source) > LEAST_SNR_DB
    _is_called_as_an_app_calls_it(form, made, source)
    _gives_what_was_computed_elsewhere(form, made, source)
    again = _made(form, case, source, folder / "second")
    assert content(again.path) == content(made.path)
    assert not form.file_facts(made.path).nan_constants


def _is_called_as_an_app_calls_it(form: Format, made: Conversion, source: ModelSource) -> None:
    """Its own runtime takes the file's own tensors, in the order of its inspection, and computes what evaluators do."""
    own = form.handoff.open(made.path)
    assert [port.name for port in own.inputs] == [tensor.name for tensor in made.inspection.inputs]
    outputs = own([np.zeros(port.shape, port.dtype) for port in own.inputs])
    assert [value.shape for value in outputs] == [port.shape for port in own.outputs]
    if not any(port.is_picture for port in own.inputs):
        runner = form.evaluator(form.evaluators()[0], made.path, Origin(source.description))
        zeros = [np.zeros(spec.shape, spec.dtype) for spec in source.description.inputs]
        np.testing.assert_allclose(np.ravel(outputs[0]), np.ravel(runner(zeros)[0]), rtol=1e-4, atol=1e-5)
    assert set(form.handoff.apps) <= {"kotlin", "swift"}
    assert all(app.engine.is_file() for app in form.handoff.apps.values())


def _gives_what_was_computed_elsewhere(form: Format, made: Conversion, source: ModelSource) -> None:
    """An artifact that is taught another's outputs gives those, with the conversions that it has anyway."""
    origin, example = Origin(source.description), _example(source)
    answered = form.answered(made.path, origin)
    if answered is None:
        return
    assert answered.encoded(example)
    own = answered.computed_here(example)
    answered.learn(example, own)
    (evaluator, *_) = form.evaluators()
    for given, wanted in zip(answered(example), form.evaluator(evaluator, made.path, origin)(example), strict=True):
        assert np.array_equal(given, wanted)
    with pytest.raises(ToolError, match="gave no output"):
        answered.learn(example, {})


def check_agrees(form: Format, case: Case, source: ModelSource, folder: Path) -> None:
    """What `check` refuses no conversion makes, and what it does not refuse is made; refusals say where."""
    folder.mkdir(parents=True, exist_ok=True)
    target = target_of(form, case)
    found = ConversionSession(source, None, 1).check(target)
    refused = [one for one in found.findings if one.conversion.support is Support.REFUSED]
    assert bool(refused) != bool(found.route)
    assert all(one.conversion.why for one in refused)
    failure = _failure(source, target, folder)
    assert bool(refused) == bool(failure), failure or refused


def _failure(source: ModelSource, target: Target, folder: Path) -> str:
    """Why no route converts a source; empty where one does."""
    try:
        ConversionSession(source, None, 1).convert(target, folder)
    except ToolError as error:
        return str(error)
    return ""


def compresses(form: Format, case: Case, source: ModelSource, folder: Path) -> None:
    """Smaller than its twin, and still the model."""
    made = _made(form, case, source, folder, case.compressed)
    assert made.inspection.size_bytes < made.twin.size_bytes
    assert _snr(form, form.evaluators()[0], made.path, source) > 15


def refuses_a_damaged_file(form: Format, case: Case, source: ModelSource, folder: Path) -> None:
    """A copy that stopped half way is no model."""
    path = _made(form, case, source, folder).path
    form.check_whole(path)
    largest = max((item for item in [path, *path.rglob("*")] if item.is_file()), key=lambda item: item.stat().st_size)
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])
    try:
        form.check_whole(path)
    except Damage:
        return
    raise AssertionError(f"{form.name} took half a file for a whole one")


def finds_layers(form: Format, case: Case, source: ModelSource, folder: Path) -> None:
    """Where it compares layers, it finds the layers of a plain network, and they are the source's."""
    if form.layers is None:
        return
    made = _made(form, case, source, folder)
    found = form.layers(made.path, Origin(source.description), source.module, _example(source)).compared
    assert {"mix", "head"} <= {layer.module for layer in found}
    assert min(layer.snr_db for layer in found) > LEAST_SNR_DB


def _made(
    form: Format, case: Case, source: ModelSource, folder: Path, quantization: dict[str, Any] | None = None
) -> Conversion:
    folder.mkdir(parents=True, exist_ok=True)
    return ConversionSession(source, None, 1).convert(target_of(form, case, quantization), folder)


def _example(source: ModelSource) -> list[NDArray[Any]]:
    """Whole pixels, which image inputs hold exactly."""
    spec = source.description.inputs[0]
    assert spec.image is not None
    pixels = np.random.default_rng(0).integers(0, 256, spec.shape) / 255
    return [((pixels - spec.image.mean[0]) / spec.image.std[0]).astype(np.float32)]


def _snr(form: Format, evaluator: str, path: Path, source: ModelSource) -> float:
    runner, example = form.evaluator(evaluator, path, Origin(source.description)), _example(source)
    (wanted,), (found,) = TorchRunner(source.module)(example), runner(example)
    return float(10 * np.log10(np.square(wanted).sum() / max(np.square(wanted - found).sum(), 1e-30)))


FACTORY = """
from collections import OrderedDict

import torch
from torch import nn

def net():
    torch.manual_seed(0)
    convolutions = [("stem", nn.Conv2d(3, 64, 3)), ("relu", nn.ReLU()), ("mix", nn.Conv2d(64, 96, 1))]
    return nn.Sequential(OrderedDict([*convolutions, ("flat", nn.Flatten()), ("head", nn.Linear(96 * 36, 32))]))
"""
"""Layers that can be stored in every way that a format has."""


def storages_reach_the_file(form: Format, case: Case, folder: Path) -> None:
    """What a search may choose is what the file holds, in as many bytes as the search counts on."""
    (folder / "net.py").write_text(FACTORY)
    settings = ModelSettings.model_validate({"inputs": [{"name": "image", "shape": (1, 3, 8, 8)}]})
    source = load_source(f"{folder / 'net.py'}:net", settings)
    weights = weights_of(source.module)
    for variant in form.variants(target_of(form, case)):
        written = folder / "targets.toml"
        for floats in ((), ("stem", "head.1")):
            written.write_text(tables_text("t", variant.settings(floats), None))
            assert load_targets(["t"], user_file=written) == [variant.settings(floats)]
        if variant.storages is None or variant.activations == "int8":
            continue
        offered = {layer: variant.storages(weight) for layer, weight in weights.items()}
        for storage in {one for given in offered.values() for one in given if one.form in ("table", "grid")}:
            taken = {layer: storage if storage in given else given[0] for layer, given in offered.items()}
            held = _held(source, variant, taken, folder)
            for layer in (layer for layer, one in taken.items() if one == storage):
                counted, stored = storage.bytes_of(weights[layer]), held[layer]
                assert abs(counted - stored) <= 0.02 * counted + 64, (storage.name, layer, counted, stored)


def _held(source: ModelSource, variant: Variant, storages: dict[str, Storage], folder: Path) -> dict[str, int]:
    """Bytes of each layer's weight in a file of a variant."""
    recipe = parse_recipe("one", weights_recipe(storages, {}, "") or {})
    compressed = apply_recipe(source.module, source.example_inputs(), recipe, CompressionData())
    inputs = source.description.inputs
    save_compressed(compressed, folder / "net.pt2", inputs)
    floats = [layer for layer, one in storages.items() if one.form in FLOATS]
    session = ConversionSession(load_source(str(folder / "net.pt2"), ModelSettings()), None, 1)
    (folder / "made").mkdir(exist_ok=True)
    found = session.convert(variant.settings(floats), folder / "made").inspection.weights
    return {one.layer: one.size_bytes for one in found if one.kind == "weight"}


def content(path: Path) -> list[bytes]:
    """Of a package, without the identifiers that Apple's format draws anew."""
    files = (
        [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.suffix in (".bin", ".mlmodel"))
    )
    return [item.read_bytes() for item in files]
