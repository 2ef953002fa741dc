"""Activation ranges of all batches, and int8 programs that still compute the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.execution.heavy import quiet
from exporter.formats.coreml.conversion.activations import (
    MinMax,
    MovingAverage,
    Percentile,
    activation_ranges,
    quantize_activations,
)
from exporter.formats.coreml.reference import ReferenceModel
from exporter.formats.coreml.settings import Activations
from tests.exporter.formats.coreml.reference.programs import SmallNet, convert

BATCHES = st.lists(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=20), min_size=1, max_size=6)


@settings(deadline=None)
@given(BATCHES)
def test_min_max_holds_every_batch(batches: list[list[float]]) -> None:
    observer = MinMax()
    for batch in batches:
        observer.see(torch.tensor(batch))
    flat = [value for batch in batches for value in batch]
    assert observer.range() == (min(flat), max(flat))


@settings(deadline=None)
@given(BATCHES)
def test_moving_average_stays_inside_the_batches_ranges(batches: list[list[float]]) -> None:
    observer = MovingAverage()
    for batch in batches:
        observer.see(torch.tensor(batch))
    low, high = observer.range()
    slack = 1e-6 * (1 + max(abs(value) for batch in batches for value in batch))
    assert min(map(min, batches)) - slack <= low <= max(map(min, batches)) + slack
    assert min(map(max, batches)) - slack <= high <= max(map(max, batches)) + slack


@settings(deadline=None)
@given(BATCHES)
def test_every_value_is_inside_the_hundredth_percentile(batches: list[list[float]]) -> None:
    observer = Percentile(100)
    for batch in batches:
        observer.see(torch.tensor(batch))
    low, high = observer.range()
    flat = [value for batch in batches for value in batch]
    slack = 2e-3 * (max(flat) - min(flat)) + 1e-6
    assert low <= min(flat) + slack
    assert high >= max(flat) - slack
    assert low >= min(flat) - slack
    assert high <= max(flat) + slack


def test_percentile_leaves_outliers_out_whatever_the_order_of_batches() -> None:
    generator = torch.Generator().manual_seed(0)
    usual, outlier = torch.randn(100_000, generator=generator), torch.tensor([1000.0, -500.0])
    for order in ([usual, outlier], [outlier, usual]):
        observer = Percentile(99.9)
        for batch in order:
            observer.see(batch)
        low, high = observer.range()
        assert -5 < low < -2.5
        assert 2.5 < high < 5


def _calibration(count: int = 24) -> list[dict[str, Any]]:
    random = np.random.default_rng(3)
    return [{"x": random.standard_normal((1, 3, 16, 16)).astype(np.float32)} for _ in range(count)]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, SmallNet]:
    net = SmallNet()
    return convert(tmp_path_factory.mktemp("net") / "m.mlpackage", net, (1, 3, 16, 16), precision="FLOAT16"), net


def _types(model: Any) -> list[str]:
    function = model.get_spec().mlProgram.functions["main"]
    return [op.type for op in function.block_specializations[function.opset].operations]


def _snr_db(model: Any, net: SmallNet, folder: Path) -> float:
    with quiet():
        model.save(str(folder / "q.mlpackage"))
    reference, noise, signal = ReferenceModel(folder / "q.mlpackage"), 0.0, 0.0
    for data in _calibration(40)[24:]:
        with torch.no_grad():
            wanted = net(torch.from_numpy(data["x"])).numpy().astype(np.float64)
        noise += float(((reference.predict(data)["y"] - wanted) ** 2).sum())
        signal += float((wanted**2).sum())
    return float(10 * np.log10(signal / noise))


def test_ranges_hold_all_batches_and_the_inputs(program: tuple[Any, SmallNet]) -> None:
    """coremltools 9.0 keeps the last batch's range only (its issue #2704)."""
    data = _calibration(5)
    data[1]["x"] = data[1]["x"] * 10
    ranges = activation_ranges(program[0], iter(data), MinMax)
    assert ranges["x"]["rmax"] == pytest.approx(max(one["x"].max() for one in data), rel=1e-3)
    alone = activation_ranges(program[0], data[1:2], MinMax)
    assert all(ranges[name]["rmax"] >= alone[name]["rmax"] - 1e-2 for name in alone)


@pytest.mark.slow
@pytest.mark.parametrize("observer", ["min_max", "moving_average", "percentile"])
@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
def test_int8_programs_still_compute_the_same(
    program: tuple[Any, SmallNet], tmp_path: Path, observer: Any, scheme: Any
) -> None:
    model, net = program
    config = Activations(observer=observer, scheme=scheme)
    quantized = quantize_activations(model, config, _calibration(), keep_float=lambda op: False)
    assert _types(quantized).count("quantize") >= 6
    assert "relu6" in _types(quantized), "a clip would be quantized before it instead of after"
    assert _snr_db(quantized, net, tmp_path) > 20


def test_operations_kept_in_float_have_no_quantize_around_them(program: tuple[Any, SmallNet]) -> None:
    seen: list[str] = []

    def keep(op: Any) -> bool:
        seen.append(op.op_type)
        return True

    kept = quantize_activations(program[0], Activations(), _calibration(2), keep_float=keep)
    assert "quantize" not in _types(kept)
    assert {"conv", "linear", "add"} <= set(seen)
    some = quantize_activations(
        program[0], Activations(), _calibration(2), keep_float=lambda op: op.op_type != "linear"
    )
    assert _types(some).count("quantize") == 1


def test_no_calibration_data_is_an_error(program: tuple[Any, SmallNet]) -> None:
    with pytest.raises(UsageProblem, match="need calibration data"):
        quantize_activations(program[0], Activations(), [], keep_float=lambda op: False)


def test_systems_before_ios_17_are_refused(tmp_path: Path) -> None:
    model = convert(tmp_path / "m.mlpackage", SmallNet(), (1, 3, 16, 16), precision="FLOAT16", target="iOS16")
    with pytest.raises(UsageProblem, match="iOS 17"):
        quantize_activations(model, Activations(), _calibration(1), keep_float=lambda op: False)


class _Dead(torch.nn.Module):
    """A convolution whose input is always zero, then one that works."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = torch.nn.Conv2d(3, 3, 1), torch.nn.Conv2d(3, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(x + self.first(torch.relu(-torch.relu(x))))


def test_a_value_that_never_varies_keeps_its_operation_in_float(tmp_path: Path) -> None:
    model = convert(tmp_path / "m.mlpackage", _Dead(), (1, 3, 16, 16), precision="FLOAT16")
    for scheme in ("symmetric", "affine"):
        quantized = quantize_activations(
            model, Activations(scheme=scheme), _calibration(3), keep_float=lambda op: False
        )
        with quiet():
            quantized.save(str(tmp_path / "q.mlpackage"))
        found = ReferenceModel(tmp_path / "q.mlpackage").predict(_calibration(1)[0])["y"]
        assert np.isfinite(found).all()


class _Branches(torch.nn.Module):
    """Two branches of very different ranges, concatenated."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.small, self.large, self.last = torch.nn.Conv2d(3, 4, 1), torch.nn.Conv2d(3, 4, 1), torch.nn.Conv2d(8, 4, 1)
        with torch.no_grad():
            self.large.weight.mul_(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.cat([torch.relu(self.small(x)), torch.relu(self.large(x))], 1))


def test_what_a_concat_joins_has_one_scale(tmp_path: Path) -> None:
    model = convert(tmp_path / "m.mlpackage", _Branches(), (1, 3, 16, 16), precision="FLOAT16")
    quantized = quantize_activations(model, Activations(), _calibration(3), keep_float=lambda op: False)
    with quiet():
        quantized.save(str(tmp_path / "q.mlpackage"))
    observed: dict[str, list[str]] = {}
    function = quantized.get_spec().mlProgram.functions["main"]
    operations = {op.outputs[0].name: op for op in function.block_specializations[function.opset].operations}
    concat = next(op for op in operations.values() if op.type == "concat")
    for argument in concat.inputs["values"].arguments:
        producer = operations[argument.name]
        assert producer.type == "dequantize"
        observed[argument.name] = [str(producer.inputs["scale"])]
    names = {
        operations[argument.name].inputs["scale"].arguments[0].name for argument in concat.inputs["values"].arguments
    }
    scales = {operations[name].attributes["val"].immediateValue.SerializeToString() for name in names if name}
    assert len(scales) == 1
