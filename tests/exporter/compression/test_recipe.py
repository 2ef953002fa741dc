"""Recipes are checked completely before anything is trained."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.compression.recipe import load_recipe, parse_recipe
from exporter.compression.registry import METHODS
from exporter.data.errors import UsageProblem
from exporter.data.settings.recipe import Recipe

BAD = """
[[steps]]
method = "weight_sharing"
bit = 4
rules = [{ nam = "x", bits = 3 }]
[[steps]]
method = "channel_prunin"
[[steps]]
method = "channel_pruning"
ratio = 0.5
training = { epoch = 3 }
[[steps]]
method = "low_rank"
"""


def test_every_error_is_reported_with_its_path_and_the_nearest_name(tmp_path: Path) -> None:
    """Protects the reader of a long recipe from one error a run."""
    path = tmp_path / "bad.toml"
    path.write_text(BAD)
    with pytest.raises(UsageProblem) as caught:
        load_recipe(str(path))
    message = str(caught.value)
    for expected in (
        "recipes.bad.steps.0.bit: unknown setting; did you mean 'bits'?",
        "recipes.bad.steps.0.rules.0.nam: unknown setting; did you mean 'name'?",
        "did you mean 'channel_pruning'?",
        "recipes.bad.steps.2.training.epoch: unknown setting; did you mean 'epochs'?",
        "recipes.bad.steps.3: give exactly one of rank and energy",
    ):
        assert expected in message


def test_a_recipe_is_found_by_name_and_a_near_miss_is_told(tmp_path: Path) -> None:
    """Protects `recipe = "NAME"` of targets."""
    path = tmp_path / "targets.toml"
    path.write_text('[recipes.tiny]\nsteps = [{ method = "float16" }]\n')
    assert load_recipe("tiny", targets_file=path).steps[0].method == "float16"
    with pytest.raises(UsageProblem, match="did you mean 'tiny'"):
        load_recipe("tini", targets_file=path)


def test_the_recipes_that_ship_are_well_formed() -> None:
    """Protects the presets of targets.toml."""
    from exporter.config.files import tables

    for name in tables("recipes", None):
        assert isinstance(load_recipe(name), Recipe)


def test_steps_that_would_undo_each_other_are_refused() -> None:
    """Protects tables from a later removal of channels; trainings may stand anywhere."""
    steps = [{"method": "weight_sharing"}, {"method": "recovery"}, {"method": "channel_pruning", "ratio": 0.5}]
    with pytest.raises(UsageProblem, match=r"steps.2 .channel_pruning. must come before steps.0 .weight_sharing."):
        parse_recipe("test", {"steps": steps})
    with pytest.raises(UsageProblem, match="steps is empty"):
        parse_recipe("test", {"steps": []})
    same_model = {"method": "distillation", "teacher": "torchvision:resnet50"}
    assert parse_recipe("test", {"steps": [{"method": "weight_sharing"}, same_model]})


KEYS = st.sampled_from(["method", "steps", "rules", "bits", "training"])
TABLES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)


@given(TABLES, st.sampled_from(tuple(METHODS)))
def test_no_table_crashes_the_reader(value: object, method: str) -> None:
    """Protects from tracebacks: whatever a file holds, it is a recipe or a message."""
    for table in ({"steps": value}, {"steps": [value]}, {"steps": [{"method": method, "rules": value}]}):
        with contextlib.suppress(UsageProblem):
            assert parse_recipe("test", table).steps
