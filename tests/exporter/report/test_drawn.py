"""The worst examples on the page: words that can be read, and no picture that is not there."""

from pathlib import Path

import pytest

from exporter.data.facts.drawings import Drawing, Mark, Shown, keep_picture
from exporter.data.facts.parity import Parity
from exporter.data.facts.task import MetricFact, TaskFacts
from exporter.data.results.commands import VerifyResult
from exporter.report.html.plots.drawn import worst
from exporter.report.renderer import render

PICTURES: dict[str, str] = {}
NAME, MAP = keep_picture(PICTURES, b"a picture", "jpg"), keep_picture(PICTURES, b"a map", "png")
BOX = (40.0, 40.0, 60.0, 60.0)
METRIC = MetricFact(
    name="map",
    title="mAP50-95",
    tolerance="map_drop_points",
    unit="%",
    higher_is_better=True,
    source=58.0,
    artifact=57.5,
    loss=0.5,
    low=0.1,
    high=0.9,
)


def parity(*marks: Mark, pictures: dict[str, str] | None = None) -> Parity:
    """Of an example whose artifact found these."""
    example = Shown(
        name="1.png",
        width=100,
        height=100,
        picture=NAME,
        metric="mAP",
        loss=12.5,
        source=Drawing(classes=MAP),
        artifact=Drawing(marks=marks),
    )
    facts = TaskFacts(
        task="detection", against="source", examples=9, metrics=(METRIC,), shown=(example,), pictures=pictures or {}
    )
    return Parity(data="scenes", samples=9, evaluator="e", snr_db=1, cosine=1, max_abs_error=1, task=facts)


def labels(*marks: Mark) -> list[tuple[float, float, float]]:
    """Left end, right end and base line of each label, letters five high."""
    _, drawing = worst([("t", parity(*marks))], {})["examples"][0]["drawings"]
    return [(label.x, label.x + 0.55 * 5 * len(label.words), label.y) for _, label in drawing["marks"]]


def test_labels_of_several_classes_on_one_box_are_stacked() -> None:
    places = labels(*[Mark(corners=BOX, name=name, score=0.5) for name in ("cat", "dog", "cow")])
    assert [y for *_, y in places] == pytest.approx([39, 44.5, 50])


def test_no_label_lies_on_another_or_outside_of_the_picture() -> None:
    marks = [Mark(corners=(x, y, 99, 99), name="a cat") for x in (0, 7, 80, 98) for y in (0, 3, 50, 97)]
    places = labels(*marks)
    for place, (left, right, y) in enumerate(places):
        assert left >= 0
        assert right <= 100
        assert 4 <= y <= 100
        for start, end, other in places[:place]:
            assert right <= start or left >= end or abs(y - other) >= 5 - 1e-9


def test_pictures_are_in_the_page_and_not_in_data() -> None:
    """Data is for reading: 840 kB of pictures were in a record of five targets."""
    found = parity(Mark(corners=BOX, name="cat"), pictures=PICTURES)
    result = VerifyResult(Path("model.tflite"), (found,), (), 0)
    page, document = render("html", result), render("json", result)
    assert page.count(f'href="data:image/jpeg;base64,{PICTURES[NAME]}"') == 2
    assert page.count(f'href="data:image/png;base64,{PICTURES[MAP]}"') == 1
    assert "are not in the folder" not in page
    assert NAME in document
    assert PICTURES[NAME] not in document


def test_pictures_that_are_not_there_are_said_and_what_was_found_is_drawn() -> None:
    page = render("html", VerifyResult(Path("model.tflite"), (parity(Mark(corners=BOX, name="cat")),), (), 0))
    assert "2 of 2 pictures are not in the folder pictures beside run.json" in page
    assert "data:image" not in page
    assert ">cat</text>" in page


@pytest.mark.parametrize("form", ["html", "text"])
def test_losses_have_their_unit(form: str) -> None:
    text = render(form, VerifyResult(Path("model.tflite"), (parity(),), (), 0))
    assert "0.5 points" in text
    assert "0.1 to 0.9 points" in text
