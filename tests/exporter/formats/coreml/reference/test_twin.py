"""A compression that makes a weight larger, or skips it, is seen by comparing with the uncompressed twin."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from exporter.execution.heavy import quiet
from exporter.formats.coreml.reference.twin import WeightChange, compare_with_twin
from tests.exporter.formats.coreml.reference.programs import convert, coremltools


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A wide, a narrow and a small layer."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(32, 64, 3),
        torch.nn.ReLU(),
        torch.nn.Conv2d(64, 30, 3),
        torch.nn.ReLU(),
        torch.nn.Conv2d(30, 8, 1),
    )
    path = tmp_path_factory.mktemp("plain") / "plain.mlpackage"
    return convert(path, module, (1, 32, 8, 8), precision="FLOAT16"), path


def _changes(plain: tuple[Any, Path], folder: Path, method: str, **settings: Any) -> list[WeightChange]:
    optimize = coremltools().optimize.coreml
    kinds = {"palettize_weights": optimize.OpPalettizerConfig, "prune_weights": optimize.OpMagnitudePrunerConfig}
    kind = kinds.get(method, optimize.OpLinearQuantizerConfig)
    with quiet():
        model = getattr(optimize, method)(plain[0], optimize.OptimizationConfig(global_config=kind(**settings)))
        model.save(str(folder / "c.mlpackage"))
    found = compare_with_twin(folder / "c.mlpackage", plain[1])
    return [change for change in found if change.operand == "weight"]


def test_small_weights_and_groups_that_do_not_divide_are_seen_as_skipped(
    plain: tuple[Any, Path], tmp_path: Path
) -> None:
    changes = _changes(plain, tmp_path, "palettize_weights", nbits=4, granularity="per_grouped_channel", group_size=16)
    assert [change.outcome for change in changes] == ["smaller", "skipped", "skipped"]
    assert changes[0].form == "lut_to_dense"
    assert 10 < (changes[0].snr_db or 0) < 40
    assert changes[1].snr_db == math.inf


@pytest.mark.slow
def test_tables_that_outweigh_their_weight_are_seen(plain: tuple[Any, Path], tmp_path: Path) -> None:
    changes = _changes(
        plain,
        tmp_path,
        "palettize_weights",
        nbits=8,
        granularity="per_grouped_channel",
        group_size=1,
        weight_threshold=0,
    )
    assert changes[-1].outcome == "larger"
    assert changes[-1].after_bytes > changes[-1].before_bytes == 2 * 30 * 8


def test_little_sparsity_makes_a_weight_larger(plain: tuple[Any, Path], tmp_path: Path) -> None:
    changes = _changes(plain, tmp_path, "prune_weights", target_sparsity=0.02)
    assert changes[0].outcome == "larger"
    assert changes[0].form == "sparse_to_dense"


def test_linear_weights_are_half(plain: tuple[Any, Path], tmp_path: Path) -> None:
    changes = _changes(plain, tmp_path, "linear_quantize_weights", mode="linear_symmetric")
    assert changes[0].outcome == "smaller"
    assert changes[0].before_bytes == 2 * 64 * 32 * 9
    assert changes[0].after_bytes < changes[0].before_bytes * 0.52
    assert (changes[0].snr_db or 0) > 35


def test_a_file_is_its_own_twin(plain: tuple[Any, Path]) -> None:
    assert {change.outcome for change in compare_with_twin(plain[1], plain[1])} == {"skipped"}
