"""Lanes: what is tried next of a variant, and what a budget of bytes makes of that."""

import hashlib

import pytest

from exporter.config.targets import load_targets
from exporter.data.facts.points import Plan
from exporter.formats.registry import format_named
from exporter.search.allocation import smallest
from exporter.search.ladder import Ladder
from exporter.use_cases.search.lanes import ISLANDS, FallbackLane, FixedLane, WeightsLane
from exporter.use_cases.search.plans import knobs_plan
from tests.exporter.search.options import usual
from tests.exporter.search.points import loss, point, verdict

BESIDE, BUDGET = 1000, 60_000
"""Bytes of a file beside its weights, and all that it may have."""


def lane() -> WeightsLane:
    target = load_targets(["iphone-15"])[0]
    variant = next(one for one in format_named("coreml").variants(target) if one.name == "weights")
    key = lambda text: hashlib.sha256(text.encode()).hexdigest()  # noqa: E731
    return WeightsLane(target, variant, Ladder(usual(4), cap=BUDGET), key)


def test_what_a_file_holds_beside_its_weights_counts() -> None:
    """Protects the answer under --max-size: files were too large by their structure, and larger ones were tried."""
    tried, found = lane(), list[Plan]()
    sizes = []
    while (plan := tried.next()) is not None:
        found.append(plan)
        assert plan.weights_bytes is not None
        size = plan.weights_bytes + BESIDE
        sizes.append(size)
        judged = [verdict(size, BUDGET), verdict(1.0 if size < 0.9 * BUDGET else 0.0, 0.5, "accuracy.top1_drop")]
        tried.told(point(plan.key, size, loss(0.1), plan=plan, verdicts=tuple(judged)))
    assert len({plan.key for plan in found}) == len(found)
    assert any(size > 0.9 * BUDGET for size in sizes if size <= BUDGET)


def test_a_plan_that_waits_is_not_proposed_again() -> None:
    """Protects two workers: what one was at was told as failed when its storages were proposed for another size."""
    tried = lane()
    waiting = list[Plan]()
    while (plan := tried.next()) is not None and len(waiting) < 20:
        waiting.append(plan)
    assert len({plan.key for plan in waiting}) == len(waiting)
    for plan in waiting:
        tried.told(point(plan.key, 1000, loss(0.1), plan=plan))


def test_a_model_that_has_no_blocks_is_not_rounded_by_blocks_again() -> None:
    """Protects minutes: each size was refused anew."""
    tried, ways = lane(), list[object]()
    while (plan := tried.next()) is not None:
        assert plan.weights_bytes is not None
        way = plan.knobs["rounding"]
        ways.append(way)
        size = None if way == "brecq" else plan.weights_bytes
        lossy = [verdict(1.0 if plan.weights_bytes < 0.5 * BUDGET else 0.0, 0.5, "accuracy.top1_drop")]
        error = "it cannot be traced" if size is None else None
        tried.told(point(plan.key, size, loss(0.1), plan=plan, verdicts=tuple(lossy), error=error))
    assert ways.count("brecq") == 1
    assert ways.count("gptq") > 2


def integers() -> FallbackLane:
    """Settings of int8 activations, then layers that stay in floating point."""
    target = load_targets(["iphone-15"])[0]
    variant = next(one for one in format_named("coreml").variants(target) if one.name == "int8")
    first = FixedLane(knobs_plan(target, variant, "int8", {}, str))
    options = {layer: [one for one in given if one.storage.bits in (8, 16)] for layer, given in usual(4).items()}
    ladder = Ladder(options, failed=[smallest(options)])
    return FallbackLane(first, WeightsLane(target, variant, ladder, str, ISLANDS), inside=False)


@pytest.mark.parametrize("inside", [True, False])
def test_layers_stay_in_floating_point_only_where_integers_alone_lose_too_much(inside: bool) -> None:
    """Protects trials: the smallest file is tried first, and larger ones while nothing is inside."""
    tried, sizes = integers(), list[int]()
    first = tried.next()
    assert first is not None
    assert tried.next() is None  # what becomes of it decides
    limit = verdict(0.0 if inside else 1.0, 0.5, "accuracy.top1_drop")
    tried.told(point(first.key, 1000, loss(0.1), plan=first, verdicts=(limit,)))
    while (plan := tried.next()) is not None:
        assert plan.variant == "int8 and float"
        assert plan.weights_bytes is not None
        sizes.append(plan.weights_bytes)
        lossy = verdict(1.0 if plan.weights_bytes < 150_000 else 0.0, 0.5, "accuracy.top1_drop")
        tried.told(point(plan.key, plan.weights_bytes, loss(0.1), plan=plan, verdicts=(lossy,)))
    assert bool(sizes) is not inside
    assert len(sizes) == len(set(sizes))
