"""The answer in sentences."""

from datetime import UTC, datetime

from exporter.data.facts.storage import Storage
from exporter.search.answer import answer_of, figures, loss_text, nearest, shape
from tests.exporter.search.points import GRID, TABLE, loss, plan, point, verdict

STORAGES = {"stem": GRID, **{f"block{index}": TABLE for index in range(5)}, "head": GRID}


def test_the_answer_names_point_figures_and_storages() -> None:
    given = [point("a", 1_710_000, 0.4, plan=plan("a", storages=STORAGES))]
    assert answer_of("ios", given, None)[0] == (
        "ios: take `balanced`: 1.71 MB, -0.40 points top-1, inside every budget; 5 of 7 layers as 4-bit table, "
        "`stem` and `head` as 8-bit grid"
    )


def test_the_answer_is_held_against_what_the_target_asks_for_already() -> None:
    """Protects the person who has a preset: how much a search was worth, or nothing where it was not."""
    own = point("own", 3_660_000, 0.0, plan=plan("own", role="own"))
    for size, said in ((1_830_000, True), (3_660_001, False)):
        sentence, _ = answer_of("ios", [own, point("a", size, -0.4, plan=plan("a", storages=STORAGES))], "size")
        ending = "; 50% smaller than by its own settings (3.66 MB, +0.00 points top-1)"
        assert sentence.endswith(ending) is said
        assert ("smaller than by" in sentence) is said


def test_what_is_made_small_decides_the_point() -> None:
    given = [point("a", 1000, 5.0), point("b", 1200, 1.0), point("c", 4000, 0.0)]
    for minimize, key in (("size", "a"), (None, "b")):
        sentence, chosen = answer_of("ios", given, minimize)
        assert chosen is not None
        assert chosen.point.plan.key == key
        assert f"`{chosen.name}`" in sentence


def test_many_layers_of_a_storage_are_counted_and_few_named() -> None:
    few = {**STORAGES, "more": GRID}
    assert shape(point("a", 1, plan=plan(storages=few))) == "5 of 8 layers as 4-bit table, 3 as 8-bit grid"
    floating = {"a.0": TABLE, "b": Storage(form="float16", bits=16)}
    assert shape(point("a", 1, plan=plan(storages=floating))) == "1 of 2 layers as 4-bit table, `b` as float16"
    assert shape(point("a", 1, plan=plan(why="int8 weights"))) == "int8 weights"


def test_a_loss_is_signed_as_the_figure_changed() -> None:
    """Protects from reading a gain as a loss, and agreement with the source as accuracy."""
    assert loss_text(loss(0.4)) == "-0.40 points top-1"
    assert loss_text(loss(-0.4, against="source")) == "+0.40 points top-1, against the source's own"
    assert loss_text(loss(0.5, unit="", title="perplexity")) == "-0.50 perplexity"
    assert loss_text(None) == "loss not measured"


def test_a_point_that_loses_nothing_has_no_minus() -> None:
    assert loss_text(loss(0.0)) == "+0.00 points top-1"


def test_figures_say_where_and_when_a_latency_was_read() -> None:
    taken = datetime(2026, 11, 28, tzinfo=UTC)
    timed = point("a", 1000, 0.5, latency_s=0.008, latency_where="pixel-8", latency_taken_at=taken)
    assert figures(timed) == "1.00 kB, -0.50 points top-1, 8 ms on pixel-8, 2026-11-28"


def test_nothing_inside_names_the_nearest_misses_and_what_would_have_to_give() -> None:
    """Protects the person whose budgets contradict: fewest broken limits first, then the least excess."""
    drop = {"metric": "accuracy.top1_drop", "unit": "points"}
    given = [
        point("both", 3000, 9.0, verdicts=(verdict(3000, 2000), verdict(9.0, 1.0, **drop))),
        point("far", 9000, 0.0, verdicts=(verdict(9000, 2000),)),
        point("near", 2200, 0.0, verdicts=(verdict(2200, 2000),)),
        point("lossy", 1000, 1.5, verdicts=(verdict(1.5, 1.0, **drop),)),
        point("failed", None, None, error="the converter failed"),
    ]
    sentence, chosen = answer_of("ios", given, None)
    assert chosen is None
    assert sentence == (
        "ios: nothing is inside every limit. Nearest: 2.20 kB, +0.00 points top-1: size would have to be allowed "
        "2.20 kB; 1.00 kB, -1.50 points top-1: accuracy.top1_drop would have to be allowed 1.5 points; 9.00 kB, "
        "+0.00 points top-1: size would have to be allowed 9.00 kB"
    )


def test_what_was_not_checked_is_said_with_its_reason() -> None:
    assert nearest([point("a", 1000, 0.0, verdicts=(verdict(None, 1, "latency.p50"),))]) == (
        "Nearest: 1.00 kB, +0.00 points top-1: latency.p50 was not checked (not measured)"
    )


def test_where_no_file_was_made_the_error_is_the_answer() -> None:
    failed = point("a", None, None, error="the converter failed")
    assert answer_of("ios", [failed], None)[0] == "ios: nothing is inside every limit. the converter failed"
    assert answer_of("ios", [], None)[0] == "ios: nothing was tried."
