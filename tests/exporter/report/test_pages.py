"""Every page in a real browser: readable by everyone in both schemes, whole on a phone, sorted and filtered by keys."""

import itertools
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from exporter.data.results.record import RunRecord
from exporter.report.renderer import PAGES as KINDS
from exporter.report.renderer import render
from tests.exporter.report import rich

PAGES = rich.pages()
MOST_BYTES = 1_500_000
WCAG = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations']})"
OUTSIDE = """
    [...document.querySelectorAll(".spot, .tick, .note, .words, .histogram")].map((one) => one.getBoundingClientRect())
      .filter((box) => box.width && (box.left < 0 || box.right > innerWidth)).map((box) => [box.left, box.right])
"""


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {kind: render("html", result) for kind, result in PAGES.items()}


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core."""
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed: pip install axe-playwright-python")
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def opened(browser: Browser, path: Path, text: str, **options: Any) -> tuple[Page, list[str]]:
    """A page, and what its console and network say while it is looked at."""
    path.write_text(text)
    page = browser.new_page(**options)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request", lambda request: problems.extend([] if request.url.startswith(("file:", "data:")) else [request.url])
    )
    page.goto(path.as_uri())
    return page, problems


def test_there_is_a_page_of_every_kind() -> None:
    """A kind that nobody made a page of would not be looked at below."""
    assert set(PAGES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_kept_out(browser: Browser, texts: dict[str, str], axe: str, tmp_path: Path, kind: str) -> None:
    """No violation of WCAG 2.1 AA by axe-core, light and dark; no script error; no mark outside of a phone's screen."""
    page, problems = opened(browser, tmp_path / "page.html", texts[kind])
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.evaluate(axe)
    for width, scheme in ((1440, "light"), (390, "dark")):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate(WCAG)["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OUTSIDE) == []
    assert problems == []
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_its_tables_say_what_their_cells_are_of(texts: dict[str, str], kind: str) -> None:
    """Screen readers read out a cell's row and column."""
    assert "<th>" not in texts[kind]
    assert texts[kind].count("<th ") == texts[kind].count('scope="')


@pytest.mark.parametrize("kind", KINDS)
def test_the_data_in_the_page_is_that_of_the_result(texts: dict[str, str], kind: str) -> None:
    data = json.loads(
        texts[kind].partition('<script type="application/json" id="result">')[2].partition("</script>")[0]
    )
    assert (data["kind"], data["schema_version"]) == (kind, PAGES[kind].schema_version)
    known = json.loads(render("json", PAGES[kind]))
    left_out = data.pop("left_out")
    if not left_out:
        assert {name: data[name] for name in known} == known
    assert set(known) <= set(data)


def test_a_run_can_be_read_from_its_page(texts: dict[str, str]) -> None:
    data = json.loads(texts["run"].partition('id="result">')[2].partition("</script>")[0])
    assert data["left_out"] == ["targets[].inspection"]
    record = RunRecord.model_validate({name: value for name, value in data.items() if name not in ("kind", "left_out")})
    assert [target.verdicts for target in record.targets] == [one.verdicts for one in rich.run().record.targets]


def test_ten_targets_make_a_page_that_can_be_sent(texts: dict[str, str]) -> None:
    assert len(rich.run().record.targets) == 10
    assert len(texts["run"].encode()) < MOST_BYTES


def test_it_can_be_printed_whole(browser: Browser, texts: dict[str, str], tmp_path: Path) -> None:
    """On paper nothing can be scrolled, and dark ink on white is read."""
    page, _ = opened(
        browser, tmp_path / "page.html", texts["run"], viewport={"width": 760, "height": 900}, color_scheme="dark"
    )
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 32, 44)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll')].every((one) => one.scrollWidth <= one.clientWidth + 1)"
    )
    assert not page.locator(".filters").is_visible()
    page.close()


def test_keys_sort_filter_and_tell_marks(browser: Browser, texts: dict[str, str], tmp_path: Path) -> None:
    page, problems = opened(browser, tmp_path / "page.html", texts["run"], viewport={"width": 1440, "height": 900})
    table = page.locator("table.verdicts")
    table.get_by_role("button", name="Value").press("Enter")
    values = table.locator("tbody tr td:nth-child(4)").all_inner_texts()
    assert table.locator("th[aria-sort=ascending]").inner_text() == "Value"
    sizes = [value for value in values if value.endswith("MB")]
    assert [float(value.split()[0]) for value in sizes] == sorted(float(value.split()[0]) for value in sizes)
    assert set(itertools.takewhile(lambda value: value == "-", reversed(values))) == {"-"}
    page.get_by_role("checkbox", name="passed").press("Space")
    page.get_by_role("searchbox").fill("ZY22")
    assert page.locator(".filters p").inner_text() == "4 of 44 verdicts"
    page.locator(".told-below .spot").first.focus()
    page.keyboard.press("Home")
    assert page.locator(".told-below .readout").inner_text().startswith("iphone-4bit (Core ML): 2.05 MB, top-1 81.2 %")
    page.keyboard.press("End")
    assert "onnx (ONNX): 14.48 MB" in page.locator(".told-below .readout").inner_text()
    assert problems == []
    page.close()
