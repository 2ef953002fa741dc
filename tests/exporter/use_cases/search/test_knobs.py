"""Global settings: so many are tried of a variant, however often its search is begun."""

import hashlib
from pathlib import Path

import pytest

from exporter.compression.recipe import load_recipe
from exporter.config.targets import load_targets
from exporter.data.facts.points import Plan, Point
from exporter.data.facts.storage import WeightFacts
from exporter.formats.registry import format_named
from exporter.search.recipes import INTEGER
from exporter.use_cases.search.knobs import TRIALS, KnobsLane, integer_knobs, pruned_knobs
from tests.exporter.search.points import loss

GIVEN = '[targets.ios]\nformat = "coreml"\nminimum_os = "iOS 18"\n'


def lane(folder: Path, points: dict[str, Point]) -> KnobsLane:
    """Of int8 activations, in a process that has just begun."""
    (folder / "targets.toml").write_text(GIVEN)
    target = load_targets(("ios",), user_file=folder / "targets.toml")[0]
    variant = next(one for one in format_named("coreml").variants(target) if one.name == "int8")
    key = lambda text: hashlib.sha256(text.encode()).hexdigest()  # noqa: E731
    return KnobsLane(target, variant, integer_knobs(variant), key, folder, points.values())


def tried(lane: KnobsLane, points: dict[str, Point], most: int) -> list[Plan]:
    """Plans that were carried out, one at a time; at most so many."""
    plans: list[Plan] = []
    while len(plans) < most and (plan := lane.next()) is not None:
        plans.append(plan)
        points[plan.key] = Point(plan=plan, size_bytes=1000, loss=loss(len(points) / 10))
        lane.told(points[plan.key])
    return plans


@pytest.mark.parametrize("before", range(TRIALS + 1))
def test_a_search_that_goes_on_tries_the_rest_alone(before: int, tmp_path: Path) -> None:
    """Protects an answer at once from a finished study: each process counted from nothing, and tried as many again."""
    points: dict[str, Point] = {}
    first = tried(lane(tmp_path, points), points, before)
    rest = tried(lane(tmp_path, points), points, 4 * TRIALS)
    assert len(first) == before
    assert len({plan.key for plan in (*first, *rest)}) == len(first) + len(rest) == TRIALS
    assert [plan.knobs for plan in (*first, *rest)][: len(INTEGER)] == list(INTEGER)


def test_settings_that_a_killed_process_had_begun_are_tried(tmp_path: Path) -> None:
    """Protects those that usually do well from being lost with the process that had begun them."""
    killed = lane(tmp_path, {})
    for knobs in INTEGER:
        plan = killed.next()
        assert plan is not None
        assert plan.knobs == knobs
    points: dict[str, Point] = {}
    assert [plan.knobs for plan in tried(lane(tmp_path, points), points, len(INTEGER))] == list(INTEGER)


@pytest.mark.parametrize("name", ["weights", "int8"])
def test_pruning_takes_channels_teaches_the_rest_and_stores_it(name: str, tmp_path: Path) -> None:
    """Protects `--train`: less and less of the model stays, in settings that `run` reads."""
    (tmp_path / "targets.toml").write_text(GIVEN)
    target = load_targets(("ios",), user_file=tmp_path / "targets.toml")[0]
    variant = next(one for one in format_named("coreml").variants(target) if one.name == name)
    weights = [WeightFacts(layer=layer, type="Conv2d", shape=(7, 9, 3, 3)) for layer in ("stem", "head")]
    knobs = pruned_knobs(variant, weights, epochs=4)
    asked = KnobsLane(target, variant, knobs, str, tmp_path)
    points: dict[str, Point] = {}
    plans = tried(asked, points, 2)
    assert [plan.knobs["macs"] for plan in plans] == ["0.75", "0.5"]
    assert {plan.variant for plan in plans} == {f"pruned {name}"}
    for plan, macs in zip(plans, (0.75, 0.5), strict=True):
        (tmp_path / "found.toml").write_text(plan.settings)
        pruning, recovery, last = load_recipe("ios", targets_file=tmp_path / "found.toml").steps
        assert (pruning.method, getattr(pruning, "macs", None)) == ("channel_pruning", macs)
        assert recovery.model_dump()["training"]["epochs"] == 4
        assert last.method == {"weights": "mixed_precision", "int8": "static_quantization"}[name]
