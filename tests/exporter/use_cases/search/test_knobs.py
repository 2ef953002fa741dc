"""Global settings: so many are tried of a variant, however often its search is begun."""

import hashlib
from pathlib import Path

import pytest

from exporter.config.targets import load_targets
from exporter.data.facts.points import Plan, Point
from exporter.formats.registry import format_named
from exporter.use_cases.search.knobs import FIRST, TRIALS, KnobsLane
from tests.exporter.search.points import loss

GIVEN = '[targets.ios]\nformat = "coreml"\nminimum_os = "iOS 18"\n'


def lane(folder: Path, points: dict[str, Point]) -> KnobsLane:
    """Of int8 activations, in a process that has just begun."""
    (folder / "targets.toml").write_text(GIVEN)
    target = load_targets(("ios",), user_file=folder / "targets.toml")[0]
    variant = next(one for one in format_named("coreml").variants(target) if one.name == "int8")
    return KnobsLane(target, variant, lambda text: hashlib.sha256(text.encode()).hexdigest(), folder, points.values())


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
    assert [plan.knobs for plan in (*first, *rest)][: len(FIRST)] == list(FIRST)


def test_settings_that_a_killed_process_had_begun_are_tried(tmp_path: Path) -> None:
    """Protects those that usually do well from being lost with the process that had begun them."""
    killed = lane(tmp_path, {})
    for knobs in FIRST:
        plan = killed.next()
        assert plan is not None
        assert plan.knobs == knobs
    points: dict[str, Point] = {}
    assert [plan.knobs for plan in tried(lane(tmp_path, points), points, len(FIRST))] == list(FIRST)
