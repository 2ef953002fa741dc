"""The faults of coremltools 9.0 that live in the file are failed verdicts, off a Mac: each was a silent success."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from exporter.data.verdict import Status, Verdict
from exporter.execution.heavy import load_torchvision, quiet
from exporter.formats.coreml.conversion.activations import MinMax, activation_ranges, quantize_activations
from exporter.formats.coreml.conversion.kmeans import palettize_weights
from exporter.formats.coreml.reference import Observation, ReferenceModel
from exporter.formats.coreml.settings import Activations
from exporter.gates.judge import judge
from tests.exporter.formats.coreml.reference.programs import SmallNet, convert, coremltools

LEAST_SNR_DB = 15.0


def _verdict(model: Any, source: torch.nn.Module, inputs: list[NDArray[Any]], folder: Path) -> Verdict:
    """Parity of an artifact with its source, by the evaluator."""
    path = folder / "judged.mlpackage"
    with quiet():
        model.save(str(path))
    reference = ReferenceModel(path)
    with torch.no_grad():
        wanted = np.concatenate([source(torch.from_numpy(one)).numpy() for one in inputs]).astype(np.float64)
    found = np.concatenate([one["y"] for one in reference.predictions({"x": one} for one in inputs)]).astype(np.float64)
    noise = float(((found - wanted) ** 2).sum())
    snr = 10 * np.log10(float((wanted**2).sum()) / noise) if np.isfinite(noise) else -np.inf
    return judge("small", "parity.snr", snr, "dB", limit=LEAST_SNR_DB, bound="at least", reason="against the source")


def _inputs(count: int, seed: int = 0) -> list[NDArray[Any]]:
    random = np.random.default_rng(seed)
    return [random.standard_normal((1, 3, 16, 16)).astype(np.float32) for _ in range(count)]


@pytest.mark.slow
def test_ranges_of_the_last_batch_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """coremltools#2704: its calibration overwrites the range with every batch; here the last one is nearly black."""
    net = SmallNet()
    model = convert(tmp_path / "m.mlpackage", net, (1, 3, 16, 16), precision="FLOAT16")
    calibration = [{"x": one} for one in [*_inputs(8), _inputs(1)[0] * 0.01]]
    config = Activations(observer="min_max")

    def coremltools_ranges(mlmodel: Any, data: Any, make: Any, wanted: Any = None) -> Any:
        from coremltools.optimize import _utils

        found: dict[str, dict[str, float]] = defaultdict(dict)

        def see(one: Observation) -> None:
            if one.value.is_floating_point():
                _utils._update_tensor_range(one.name, one.value.numpy(), found)

        reference = ReferenceModel(tmp_path / "m.mlpackage")
        for inputs in data:
            reference.predict(inputs, observer=see)
        right = activation_ranges(mlmodel, calibration, MinMax)
        return {name: found.get(name, right[name]) for name in right}

    sound = quantize_activations(model, config, calibration, keep_float=lambda op: False)
    monkeypatch.setattr("exporter.formats.coreml.conversion.activations.activation_ranges", coremltools_ranges)
    faulty = quantize_activations(model, config, calibration, keep_float=lambda op: False)
    judged = _inputs(16, seed=1)
    assert _verdict(sound, net, judged, tmp_path).status is Status.PASSED
    assert _verdict(faulty, net, judged, tmp_path).status is Status.FAILED


@pytest.mark.slow
def test_a_weight_left_divided_by_its_scales(tmp_path: Path) -> None:
    """coremltools PR #2777: groups that do not divide the channels, with per-channel scales."""
    net = SmallNet()
    with torch.no_grad():
        net.classifier.weight.mul_(20)  # so that dividing by the largest magnitudes shows
    wide = torch.nn.Sequential(net, torch.nn.Linear(8, 300), torch.nn.ReLU(), torch.nn.Linear(300, 10))
    with torch.no_grad():
        wide.get_parameter("1.weight").mul_(5)
        wide.get_parameter("3.weight").mul_(30)
    model = convert(tmp_path / "m.mlpackage", wide, (1, 3, 16, 16), precision="FLOAT16")
    optimize = coremltools().optimize.coreml
    settings = optimize.OpPalettizerConfig(
        mode="kmeans", nbits=8, granularity="per_grouped_channel", group_size=16, enable_per_channel_scale=True
    )
    config = optimize.OptimizationConfig(global_config=settings)
    judged = _inputs(8)
    with quiet():
        faulty = optimize.palettize_weights(model, config)
    assert _verdict(palettize_weights(model, config), wide, judged, tmp_path).status is Status.PASSED
    assert _verdict(faulty, wide, judged, tmp_path).status is Status.FAILED


@pytest.mark.slow
def test_naive_int8_activations_of_mobilenet_v2(tmp_path: Path, shared: Path) -> None:
    """`LinearQuantizer` of coremltools.optimize.torch, one step: a valid package of 3.7 MB that scores 0 %."""
    from coremltools.optimize.torch.quantization import LinearQuantizer, LinearQuantizerConfig

    def network() -> torch.nn.Module:
        net = load_torchvision().models.mobilenet_v2(weights=None)
        net.load_state_dict(torch.load(shared / "models" / "mobilenet_v2_imagenet.pt", map_location="cpu"))
        return net.eval()

    random = np.random.default_rng(0)
    images = [random.uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32) for _ in range(4)]
    settings = LinearQuantizerConfig.from_dict(
        {"global_config": {"quantization_scheme": "symmetric", "milestones": [0, 0, 10, 10]}}
    )
    quantizer = LinearQuantizer(network(), settings)
    with quiet():
        prepared = quantizer.prepare(example_inputs=(torch.zeros(1, 3, 224, 224),), inplace=True)
        quantizer.step()
        with torch.no_grad():
            prepared(torch.from_numpy(np.concatenate(images)))
        final = quantizer.finalize(inplace=True)
    model = convert(tmp_path / "m.mlpackage", final.eval(), (1, 3, 224, 224), precision="FLOAT16", target="iOS17")
    assert _verdict(model, network(), images, tmp_path).status is Status.FAILED
