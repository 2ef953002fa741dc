"""Settings of a point read back as what was meant, whatever layers are called."""

from pathlib import Path

import pytest
import torch
from torch import nn

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressionData
from exporter.compression.recipe import load_recipe
from exporter.config.targets import load_targets
from exporter.data.facts.storage import Storage
from exporter.data.settings.target import Target
from exporter.search.recipes import integer_recipe, tables_text, weights_recipe
from exporter.use_cases.search.plans import own_plan

GRID = Storage(form="grid", bits=8, granularity="per_channel")
BLOCKS = Storage(form="grid", bits=4, granularity="per_block", block_size=32)
TABLE = Storage(form="table", bits=3, granularity="per_grouped_channel", group_size=16)
FLOAT = Storage(form="float16", bits=16)
GIVEN = """
[targets.given]
format = "coreml"
minimum_os = "iOS 18"
budgets = { size = "1.5 MB", latency_p50 = "8 ms" }
tolerances = { snr_db = 20 }
quantization.precision = "float32"
"""


@pytest.fixture
def given(tmp_path: Path) -> Target:
    (tmp_path / "given.toml").write_text(GIVEN)
    return load_targets(("given",), user_file=tmp_path / "given.toml")[0]


PRESETS = ("static-int8", "qat-int8", "half-macs", "shared-4bit", "sparse-90")


@pytest.mark.parametrize("name", PRESETS)
def test_a_target_s_own_recipe_reads_back_as_it_is(name: str, given: Target, tmp_path: Path) -> None:
    """Protects the first point of a search: the target as it stands, with its recipe's every step."""
    recipe = load_recipe(name)
    plan = own_plan(given, recipe, str)
    (tmp_path / "own.toml").write_text(plan.settings)
    found = load_recipe("given", targets_file=tmp_path / "own.toml")
    assert found.model_copy(update={"name": name}) == recipe
    assert read(plan.settings, tmp_path).recipe == "given"


def read(text: str, folder: Path, name: str = "given") -> Target:
    (folder / "read.toml").write_text(text)
    return load_targets((name,), user_file=folder / "read.toml")[0]


def test_the_text_reads_back_as_the_target(given: Target, tmp_path: Path) -> None:
    """Protects the hand-over: what is tried is what `run` reads, limits included."""
    assert read(tables_text("given", given, None), tmp_path) == given
    recipe = weights_recipe({"a": GRID, "b": TABLE}, {"rounding": "gptq"}, "two layers")
    found = read(tables_text("given", given, recipe), tmp_path)
    assert found.recipe == "given"
    assert found.model_copy(update={"recipe": None}) == given


def test_every_layer_gets_its_storage_and_no_other_layer_does(given: Target, tmp_path: Path) -> None:
    """Protects layers whose names hold dots, are parts of others, or look like patterns."""
    storages = {"a": GRID, "b.a": TABLE, "b_a": GRID, "x+": BLOCKS, "x+.0": FLOAT, "$": GRID}
    net = nn.Module()
    for name in ("a", "b_a", "x+", "$"):
        net.add_module(name, nn.Linear(32, 32))
    net.add_module("b", nn.ModuleDict({"a": nn.Linear(32, 32)}))
    net.get_submodule("x+").add_module("0", nn.Linear(32, 32))
    net.forward = lambda x: net.get_submodule("a")(x)
    text = tables_text(given.name, given, weights_recipe(storages, {}, "all"))
    assert read(text, tmp_path).recipe == "given"
    recipe = load_recipe("given", targets_file=tmp_path / "read.toml")
    made = apply_recipe(net.eval(), (torch.zeros(1, 32),), recipe, CompressionData())
    forms = {one.name.removesuffix(".weight"): one for one in made.hints.weights}
    assert set(forms) == set(storages) - {"x+.0"}
    for name, form in forms.items():
        assert form.bits == storages[name].bits
        assert form.form == {"grid": "linear", "table": "table"}[storages[name].form]
    assert forms["x+"].block_size == 32
    assert forms["b.a"].group_size == 16


def test_where_all_stay_in_floating_point_there_is_no_recipe() -> None:
    assert weights_recipe({"a": FLOAT}, {}, "none") is None
    assert weights_recipe({}, {}, "none") is None


def test_knobs_are_of_the_step(given: Target, tmp_path: Path) -> None:
    recipe = integer_recipe({"observer": "min_max"}, "int8")
    assert read(tables_text("given", given, recipe), tmp_path).recipe == "given"
    (step,) = load_recipe("given", targets_file=tmp_path / "read.toml").steps
    assert step.model_dump(exclude_unset=True) == {"method": "static_quantization", "observer": "min_max"}
