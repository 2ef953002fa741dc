"""The page of a search: what it says, also without its script, and that keys go through its points and layers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from exporter.data.facts.points import Loss, Plan, Point
from exporter.data.facts.storage import Storage
from exporter.data.results.search import SearchResult
from exporter.data.verdict import Status, Verdict
from exporter.report.html.plots.axes import change_axis, cost_axis
from exporter.report.renderer import render
from exporter.report.search import loss_limit, rows

TABLE, GRID = Storage(form="table", bits=4), Storage(form="grid", bits=8, granularity="per_channel")


def point(size: int, lost: float, **changes: Any) -> Point:
    """A point that was compared on labels, within half a point; held to one point lost and 5 MB."""
    plan = Plan(
        key=f"{size}",
        target="phone",
        variant=changes.pop("variant", "weights"),
        role="front",
        why=f"why {size}",
        settings="",
        storages=changes.pop("storages", {"stem": GRID, "body": TABLE, "head": GRID}),
    )
    loss = Loss(
        title="top-1",
        unit="points",
        value=lost,
        low=lost - 0.5,
        high=lost + 0.5,
        source=70.0,
        artifact=70 - lost,
        examples=1000,
        against="labels",
    )
    verdicts = verdict("size", size, "B", 5e6), verdict("accuracy.top1_drop", lost, "points", 1.0)
    return Point(plan=plan, size_bytes=size, twin_bytes=8_000_000, loss=loss, verdicts=verdicts, **changes)


def verdict(metric: str, value: float, unit: str, limit: float) -> Verdict:
    status = Status.PASSED if value <= limit else Status.FAILED
    return Verdict(
        subject="phone", metric=metric, value=value, unit=unit, limit=limit, status=status, reason="measured"
    )


FOUND = (point(2_000_000, 0.9), point(3_000_000, 0.0), point(1_000_000, 4.0, variant="int8"), point(2_500_000, 0.7))


def result(points: tuple[Point, ...] = FOUND) -> SearchResult:
    return SearchResult("net.py:net", Path("study"), ("phone",), points)


def test_points_are_numbered_along_the_front_then_inside_then_outside() -> None:
    found = rows("phone", result((*FOUND, point(4_000_000, 0.1))))
    assert [(one.point.size_bytes, one.place) for one in found] == [
        (2_000_000, "front"),
        (2_500_000, "front"),
        (3_000_000, "front"),
        (4_000_000, "inside"),
        (1_000_000, "outside"),
    ]
    assert [one.equals for one in found] == [(2,), (1,), (), (3,), ()]


def test_the_limit_of_the_loss_is_that_of_the_verdict_on_the_same_figure() -> None:
    assert loss_limit(FOUND) == 1.0
    assert loss_limit([point(2, 0.9).model_copy(update={"verdicts": (verdict("task.map", 0.3, "points", 9),)})]) is None


def test_a_share_of_agreement_limits_the_loss_in_points() -> None:
    share = Verdict(
        subject="phone",
        metric="parity.top1_agreement",
        value=0.97,
        unit="1",
        limit=0.95,
        bound="at least",
        status=Status.PASSED,
        reason="measured",
    )
    assert loss_limit([point(2, 3.0).model_copy(update={"verdicts": (share,)})]) == pytest.approx(5)


def test_a_far_limit_leaves_the_points_their_room_and_a_near_one_is_shown() -> None:
    axis = cost_axis([2.0, 4.0], [4.5, 30.0], str)
    assert not axis.beyond(4.5)
    assert axis.beyond(30.0)
    assert axis.place(30.0) == 100
    assert axis.low < 2.0


def test_one_bad_point_does_not_press_the_others_together() -> None:
    axis = change_axis([0.0, -1.0], [0.0, -1.0, -60.0])
    assert axis.beyond(-60.0)
    assert axis.place(-60.0) == 0
    assert axis.place(0.0) - axis.place(-1.0) > 50


def test_the_text_has_every_point_its_reason_and_its_layers_without_a_script() -> None:
    text = re.sub(r"<script.*?</script>", "", render("html", result()), flags=re.S)
    assert "take `balanced`" in text
    for one in FOUND:
        assert one.plan.why in text
    assert '<b>2 as 8-bit grid</b> <span class="muted">stem, head</span>' in text
    assert "accuracy.top1_drop 4 points, limit &lt;= 1 points" in text


def test_a_page_of_many_points_of_a_deep_network_stays_small() -> None:
    storages = {f"features.{number}.conv.{number % 3}": (GRID, TABLE)[number % 2] for number in range(200)}
    many = tuple(point(1_000_000 + number, 1 - number / 100, storages=storages) for number in range(100))
    assert len(render("html", result(many)).encode()) < 1_500_000


def test_a_loss_that_is_no_number_and_a_point_without_a_file_are_told_and_not_drawn() -> None:
    bad = FOUND[0].loss.model_copy(update={"value": float("nan")}) if FOUND[0].loss else None
    nowhere = point(7, 0.0).model_copy(update={"size_bytes": None, "loss": None, "verdicts": (), "error": "it broke"})
    shown = render("html", result((*FOUND, FOUND[0].model_copy(update={"loss": bad}), nowhere)))
    assert "it broke" in shown
    assert shown.count('class="spot ') == len(FOUND)
    assert not re.search(r"[:%\s]nan[%;\s]", shown.partition("<figure")[2].partition("</figure>")[0])


def opened(browser: Browser, folder: Path, **options: Any) -> tuple[Page, list[str]]:
    path = folder / "study.html"
    path.write_text(render("html", result()))
    page = browser.new_page(**options)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request", lambda request: problems.extend([] if request.url.startswith(("file:", "data:")) else [request.url])
    )
    page.goto(path.as_uri())
    return page, problems


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_opens_clean_and_no_plot_is_cropped(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    page, problems = opened(browser, tmp_path, viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [one.bounding_box() for one in page.locator(".field :is(.spot, .named, .words, .note, .tick)").all()]
    assert len(boxes) > 10
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    page.close()


def test_tab_and_arrows_go_from_point_to_point_and_from_layer_to_layer(browser: Browser, tmp_path: Path) -> None:
    page, problems = opened(browser, tmp_path, viewport={"width": 1440, "height": 900})
    assert "balanced" in page.locator(".panel h3").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert "why 1000000" in page.locator(".panel h3").inner_text()
    assert "accuracy.top1_drop" in page.locator(".panel .error").inner_text()
    page.keyboard.press("ArrowRight")
    assert "why 2000000" in page.locator(".panel h3").inner_text()
    assert page.locator(".spot.equal").get_attribute("data-number") == "2"
    page.keyboard.press("Tab")
    assert page.locator(".panel .where").inner_text() == "stem: 8-bit grid (layer 1 of 3)"
    page.keyboard.press("ArrowRight")
    assert page.locator(".panel .where").inner_text() == "body: 4-bit table (layer 2 of 3)"
    page.locator(".spot[data-number='4']").hover()
    assert "why 1000000" in page.locator(".panel h3").inner_text()
    assert problems == []
    page.close()


def test_names_in_the_data_are_text() -> None:
    """A layer called </script> must not end the data."""
    name = "</script><b id=forged>"
    shown = render("html", result((point(2_000_000, 0.5, storages={name: GRID}),)))
    (data,) = re.findall(r'<script type="application/json" id="layers">(.*?)</script>', shown)
    assert json.loads(data)[0]["layers"] == [name]
    assert "<b id=forged>" not in shown
