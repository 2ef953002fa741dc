"""Exact palettization: no greater error than coremltools', and none of its faults."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from exporter.execution.heavy import quiet
from exporter.formats.coreml.conversion.kmeans import palettize_weights, table
from exporter.formats.coreml.reference import ReferenceModel
from tests.exporter.formats.coreml.reference.programs import convert, coremltools


class _Layers(torch.nn.Module):
    """A convolution of 48 channels, which 16 divides and 32 does not, and a linear layer of 100, which neither does."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(16, 48, 3)
        self.linear = torch.nn.Linear(48, 100)
        with torch.no_grad():
            self.conv.weight.mul_(torch.logspace(-2, 0, 48).reshape(-1, 1, 1, 1))
            self.conv.weight[5] = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(torch.relu(self.conv(x)).mean((2, 3)))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, NDArray[Any]], Path]:
    path = tmp_path_factory.mktemp("layers") / "m.mlpackage"
    model = convert(path, _Layers(), (1, 16, 8, 8), precision="FLOAT16")
    return model, ReferenceModel(path).weights(), path


def _weights(model: Any, folder: Path) -> dict[str, NDArray[Any]]:
    with quiet():
        model.save(str(folder / "p.mlpackage"))
    return ReferenceModel(folder / "p.mlpackage").weights()


def _config(**settings: Any) -> Any:
    optimize = coremltools().optimize.coreml
    return optimize.OptimizationConfig(global_config=optimize.OpPalettizerConfig(mode="kmeans", **settings))


def _errors(weights: dict[str, NDArray[Any]], original: dict[str, NDArray[Any]]) -> dict[str, float]:
    return {name: float(((weights[name] - original[name]) ** 2).sum()) for name in original}


def _types(model: Any) -> list[str]:
    function = model.get_spec().mlProgram.functions["main"]
    return [op.type for op in function.block_specializations[function.opset].operations]


@pytest.mark.parametrize("nbits", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("group", [None, 16])
def test_error_is_never_greater_than_coremltools_and_the_operations_are_the_same(
    program: tuple[Any, dict[str, NDArray[Any]], Path], tmp_path: Path, nbits: int, group: int | None
) -> None:
    model, original, _ = program
    grouping = {} if group is None else {"granularity": "per_grouped_channel", "group_size": group}
    config = _config(nbits=nbits, **grouping)
    ours = palettize_weights(model, config)
    with quiet():
        theirs = coremltools().optimize.coreml.palettize_weights(model, config)
    mine, other = _errors(_weights(ours, tmp_path), original), _errors(_weights(theirs, tmp_path), original)
    for name in original:
        assert mine[name] <= other[name] * (1 + 1e-9), name
    assert _types(ours) == _types(theirs)


def test_a_weight_that_cannot_be_grouped_stays_as_it_was(
    program: tuple[Any, dict[str, NDArray[Any]], Path], tmp_path: Path
) -> None:
    """coremltools 9.0 divides it by its scales and leaves it so (its PR #2777); the evaluator sees that."""
    model, original, _ = program
    config = _config(nbits=8, granularity="per_grouped_channel", group_size=32, enable_per_channel_scale=True)
    kept = _weights(palettize_weights(model, config), tmp_path)
    assert all(np.array_equal(kept[name], original[name]) for name in original)


def test_per_channel_scales_are_one_a_channel_and_zero_channels_stay_zero(
    program: tuple[Any, dict[str, NDArray[Any]], Path], tmp_path: Path
) -> None:
    model, original, _ = program
    plain = _weights(palettize_weights(model, _config(nbits=6)), tmp_path)
    scaled_model = palettize_weights(model, _config(nbits=6, enable_per_channel_scale=True))
    scaled = _weights(scaled_model, tmp_path)
    conv = next(name for name in original if original[name].ndim == 4)
    assert np.isfinite(scaled[conv]).all()
    assert not scaled[conv][5].any()
    relative = [
        np.abs(found[conv][0] - original[conv][0]).max() / np.abs(original[conv][0]).max() for found in (plain, scaled)
    ]
    assert relative[1] < relative[0] / 4, "the smallest channel gains from a scale of its own"
    assert "constexpr_blockwise_shift_scale" in _types(scaled_model)


def test_rules_by_type_and_name_hold(program: tuple[Any, dict[str, NDArray[Any]], Path], tmp_path: Path) -> None:
    model, original, _ = program
    optimize = coremltools().optimize.coreml
    config = _config(nbits=4)
    config.set_op_type("linear", None)
    found = _weights(palettize_weights(model, config), tmp_path)
    linear = next(name for name in original if original[name].ndim == 2)
    conv = next(name for name in original if original[name].ndim == 4)
    assert np.array_equal(found[linear], original[linear])
    assert len(np.unique(found[conv])) <= 16
    assert optimize.OpPalettizerConfig(mode="kmeans", nbits=4).mode == "KMEANS"


def test_a_table_of_few_values_is_exact() -> None:
    values = np.array([[1, 2, 2, 1]], np.float16)
    entries, places = table(values, 8)
    np.testing.assert_array_equal(entries[places].reshape(values.shape), values)


class _Wide(torch.nn.Module):
    """One linear layer, whose 153,600 weights are 64 values of float16."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(320, 480)
        generator = torch.Generator().manual_seed(0)
        values = torch.randn(64, generator=generator).half().float()
        with torch.no_grad():
            self.linear.weight.copy_(values[torch.randint(64, (480, 320), generator=generator)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x)


def test_64_values_take_6_bits_whatever_sorts_them(tmp_path: Path) -> None:
    """Protects sizes on processors with AVX512-FP16, where numpy sorts float16 wrongly: they took 8 bits."""
    optimize = coremltools().optimize.coreml
    model = convert(tmp_path / "m.mlpackage", _Wide(), (1, 320), precision="FLOAT16")
    config = optimize.OptimizationConfig(global_config=optimize.OpPalettizerConfig(mode="unique", weight_threshold=0))
    small = palettize_weights(model, config)
    (weight,) = (one for one in _weights(small, tmp_path).values() if one.size == 153600)
    assert len(set(weight.ravel().tolist())) == 64
    size = sum(path.stat().st_size for path in (tmp_path / "p.mlpackage").rglob("weight.bin"))
    assert size < 153600 * 6 / 8 + 4096
