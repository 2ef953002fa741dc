"""A study loses nothing that was found, takes nothing that is damaged for whole, and is of one request."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from exporter.data.errors import ExporterError, UsageProblem
from exporter.data.facts.storage import Sensitivities, WeightFacts
from exporter.search.study import EVENTS, SCHEMA_VERSION, Asked, Study
from tests.exporter.search.points import GRID, TABLE, loss, plan, point, verdict

ASKED = Asked(model="m", digest="0", targets={"ios": {"size": 1}}, options={"calibration": "c"}, command_line=("a",))
POINTS = [
    point("a", 1000, 0.5, folder="points/a", verdicts=(verdict(1000, 2000),)),
    point("b", None, None, error="it failed", plan=plan("b", storages={"x.0": TABLE, "y": GRID}, knobs={"k": True})),
    point("c", 3000, loss(math.nan, low=-math.inf, high=math.inf)),
]
SENSITIVITIES = Sensitivities(
    weights=(WeightFacts(layer="x.0", type="Conv2d", shape=(1, 2, 3, 3)),),
    errors={"x.0": {GRID.name: math.inf, TABLE.name: 1e-30}},
)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    made = Study(tmp_path / "study")
    made.begin(ASKED)
    made.add_sensitivities("k", SENSITIVITIES)
    for one in POINTS:
        made.add(one, {"targets.toml": b"settings"} if one.folder else {})
    return made


def again(study: Study) -> Study:
    return Study(study.folder)


def test_everything_comes_back_as_it_was(study: Study) -> None:
    """NaN and infinities too."""
    read = again(study)
    assert read.asked == ASKED
    assert read.sensitivities == {"k": SENSITIVITIES}
    assert [repr(one) for one in read.points.values()] == [repr(one) for one in POINTS]
    assert (study.folder / "points/a/targets.toml").read_bytes() == b"settings"


def test_a_line_that_a_killed_process_left_is_cut_off(study: Study) -> None:
    """Protects what comes after: the torn line is not read, and the next one does not grow on it."""
    path = study.folder / EVENTS
    whole = path.read_bytes()
    for length in (1, 2, 40, len(whole.splitlines()[-1]) - 1):
        path.write_bytes(whole + whole.splitlines()[-1][:length])
        read = again(study)
        assert list(read.points) == ["a", "b", "c"]
        read.add(point("d", 1), {})
        assert list(again(study).points) == ["a", "b", "c", "d"]


def test_a_study_that_was_killed_at_its_first_line_begins_anew(study: Study) -> None:
    path = study.folder / EVENTS
    path.write_bytes(path.read_bytes().splitlines()[0][:30])
    read = again(study)
    assert read.asked is None
    read.begin(ASKED)
    assert again(study).asked == ASKED


DAMAGES = {
    "no JSON": b"{",
    "zeros of a lost page": b"\0" * 64,
    "no text": b"\xff\xfe",
    "no object": b"[1]",
    "no point": b'{"event": "point"}',
    "sensitivities of nothing": b'{"event": "sensitivities"}',
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_line_is_named(damage: bytes, study: Study) -> None:
    """Protects from a study that goes on without points that were paid for, and says nothing."""
    path = study.folder / EVENTS
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:3], damage, *lines[4:]]) + b"\n")
    with pytest.raises(UsageProblem, match=r"study\.jsonl: line 4 is damaged"):
        again(study)


def test_a_newer_study_is_refused(study: Study) -> None:
    path = study.folder / EVENTS
    first, *rest = path.read_text().splitlines()
    newer = json.dumps({**json.loads(first), "schema_version": SCHEMA_VERSION + 1})
    path.write_text("\n".join([newer, *rest]) + "\n")
    with pytest.raises(ExporterError, match="newer"):
        again(study)


OTHERS: dict[str, dict[str, Any]] = {
    "model": {"model": "n"},
    "digest": {"digest": "1"},
    "targets": {"targets": {"ios": {"size": 2}}},
    "calibration": {"options": {"calibration": "d"}},
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_request_is_refused_by_what_differs(name: str, study: Study) -> None:
    """Protects points from being read as an answer to something else; how the command was typed is no difference."""
    before = (study.folder / EVENTS).read_bytes()
    with pytest.raises(UsageProblem, match=rf"a study of something else \({name} differ\)"):
        again(study).begin(ASKED.model_copy(update=OTHERS[name]))
    again(study).begin(ASKED.model_copy(update={"command_line": ("b",)}))
    assert (study.folder / EVENTS).read_bytes() == before
