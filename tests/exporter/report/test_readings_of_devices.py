"""No reading is shown without its device and its age: this machine's, a phone's and a simulator's are kept apart."""

import json
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_harness.facts import DeviceInfo, DeviceState
from exporter.data.facts.profile import DeviceProfile, measured, profile_of
from exporter.data.results.commands import RunResult
from exporter.data.results.record import RunRecord
from exporter.data.units import format_age
from exporter.report.readings import profile_lines
from exporter.report.renderer import View, render
from exporter.store.runs import load_record
from profilers.plan import ProfilePlan
from profilers.readings import OpTime, Reading
from profilers.result import OutputCheck, ProfileResult
from tests.exporter import typical

NOW = datetime(2026, 11, 26, 21, 0, tzinfo=UTC)


def latency(device: str, seconds: float, **changes: Any) -> Reading:
    conditions = {"accelerator": "cpu", "ran_on": "cpu", "threads": "1"}
    samples = {"samples": (seconds,) * 40, "groups": (20, 20)}
    return typical.reading(**{"device": device, "taken_at": NOW, "conditions": conditions, **samples, **changes})


HERE = latency("this machine", 0.001)
INFO = DeviceInfo(serial="R5CT", kind="adb", model="Pixel 8 <b>", os="Android 14")
PHONE = DeviceProfile(
    device="R5CT",
    result=ProfileResult(
        artifact="model.tflite",
        sha256="0" * 64,
        device=INFO,
        plan=ProfilePlan(),
        readings=(latency("R5CT", 0.25),),
        outputs=OutputCheck(snr_db=52.0, identical=False, reason="compared with LiteRT here"),
        ops=(OpTime(type="CONV_2D", name="stem", mean_s=0.2, first_s=0.3, share=0.8, calls=1),),
        warnings=("it is charging (USB)",),
        rejected=("process 2: the thermal status rose from 0 to 2",),
    ),
)
MAC = DeviceProfile(
    device="local",
    result=ProfileResult(
        artifact="model.tflite",
        sha256="0" * 64,
        device=DeviceInfo(serial="local", kind="local", model="Xeon"),
        plan=ProfilePlan(),
        readings=(latency("this machine", 0.5),),
    ),
)
LOCKED = DeviceProfile(
    device="R58M",
    result=None,
    info=DeviceInfo(serial="R58M", kind="adb", state=DeviceState.UNAUTHORIZED),
    skipped="R58M is unauthorized: unlock it.",
)


def record(
    readings: Sequence[Reading] = (), profiles: Sequence[DeviceProfile] = (), kind: str = "tflite", code: int = 0
) -> RunRecord:
    target = {
        "name": "pixel",
        "format": kind,
        "minimum_os": "Android 14",
        "settings": {"description": ""},
        "artifact": typical.artifact(format=kind, target="pixel"),
        "host": measured(readings, NOW) if readings else None,
        "profiles": [profile_of(item, NOW) for item in profiles],
    }
    return typical.run(created_at=NOW, targets=[target], exit_code=code)


def text_of(run: RunRecord, *, verbose: bool = False) -> str:
    return render("text", RunResult(run, Path("out")), View(verbose=verbose))


def target_line(run: RunRecord) -> str:
    """The line of the target, which has this machine's readings alone."""
    return next(line for line in text_of(run).splitlines() if line.split()[1:2] == ["pixel"])


def html_of(run: RunRecord) -> str:
    return render("html", RunResult(run, Path("out")))


def markdown_of(run: RunRecord) -> str:
    return render("markdown", RunResult(run, Path("out")))


def section(html: str, title: str) -> str:
    return html.partition(f"<h2>{title}</h2>")[2].partition("</section>")[0]


def test_a_phone_s_reading_is_never_this_machine_s() -> None:
    """With --no-measure there is none of this machine: the phone's 250 ms stand under the phone alone."""
    run = record(profiles=[PHONE])
    html = html_of(run)
    assert "<h2>Readings of this machine</h2>" not in html
    assert "250 ms" in section(html, "Readings of R5CT (Pixel 8 &lt;b&gt;)")
    assert "p50 250 ms" in section(html, "Fast enough?")
    assert "250 ms" not in section(html, "Targets")
    assert "250 ms" not in target_line(run)


def test_both_are_shown_each_under_its_own() -> None:
    """Also a profile of this machine beside the readings that the run itself took here."""
    run = record([HERE], [PHONE, MAC])
    html = html_of(run)
    here = section(html, "Readings of this machine")
    assert "1 ms" in here
    assert "250 ms" not in here
    assert "500 ms" not in here
    assert "500 ms" in section(html, "Readings of local (Xeon)")
    assert "1 ms" in target_line(run)


def test_warnings_rejected_runs_operators_outputs_reach_every_report(tmp_path: Path) -> None:
    """In run.json, read again, in the page and on the terminal; a device that was not ready too."""
    (tmp_path / "run.json").write_text(record([HERE], [PHONE, LOCKED]).model_dump_json())
    run = load_record(tmp_path / "run.json")
    profiles = json.loads((tmp_path / "run.json").read_text())["targets"][0]["profiles"]
    assert profiles[0]["info"]["model"] == "Pixel 8 <b>"
    html, text, markdown = html_of(run), text_of(run, verbose=True), markdown_of(run)
    for words in ("it is charging (USB)", "the thermal status rose from 0 to 2", "R58M is unauthorized: unlock it."):
        assert words in text_of(run)
    for words in (
        "it is charging (USB)",
        "the thermal status rose from 0 to 2",
        "CONV_2D stem",
        "compared with LiteRT",
    ):
        assert words in html
        assert words in text
        assert words in markdown
    assert "R58M is unauthorized: unlock it." in html
    assert "R58M is unauthorized: unlock it." in markdown
    assert "R58M is unauthorized: unlock it." in text


def test_old_readings_carry_their_age() -> None:
    """The cache keeps readings for long; they are not what this machine does now."""
    run = record([HERE.model_copy(update={"taken_at": NOW - timedelta(hours=3, minutes=5)})])
    assert "measured 3 h before this run" in section(html_of(run), "Readings of this machine")
    assert "readings of this machine, measured 2026-11-26 17:55 UTC, measured 3 h before this run" in markdown_of(run)
    text = text_of(run)
    assert "measured 3 h before this run" in text
    assert "1 ms (!)" in text


def test_disturbed_readings_are_marked() -> None:
    """The case that was seen: 13.6 ms of processor time in a median inference of 42.2 ms."""
    readings = (latency("this machine", 0.0422), latency("this machine", 0.0136, metric="cpu_time"))
    words = "disturbed: the model had a CPU for only 32% of the time; other programs ran"
    assert measured(readings, NOW).caveats == (words,)
    assert "had a CPU for only 32%" in html_of(record(readings))
    assert "had a CPU for only 32%" in text_of(record(readings))
    assert measured([HERE], NOW).caveats == ()


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_a_third_format_and_any_exit_code_are_shown(code: int) -> None:
    """A new format must not need a new template."""
    run = record([HERE], [PHONE], kind="exotic", code=code)
    assert '<span class="tag tone0">exotic</span>' in html_of(run)
    assert "t/model" in text_of(run, verbose=True)
    assert "1 ms" in target_line(run)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59, "59 s"), (60, "1 min"), (7260, "2 h"), (86400, "1 day"), (200_000, "2 days")],
)
def test_ages(seconds: float, words: str) -> None:
    assert format_age(seconds) == words


@settings(max_examples=settings().max_examples // 4)  # each is a whole page
@given(st.lists(st.floats(), min_size=1, max_size=8), st.sampled_from(["latency", "cpu_time", "memory.model"]))
def test_any_samples_can_be_shown(samples: list[float], metric: str) -> None:
    """A meter gone wrong gives NaN, infinity or negative times; the report of everything else is not lost to it."""
    strange = latency("this machine", 1.0, metric=metric, samples=tuple(samples), groups=())
    profile = PHONE.model_copy(update={"result": PHONE.result.model_copy(update={"readings": (strange,)})})  # type: ignore[union-attr]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's about infinity minus infinity
        assert html_of(record([strange], [profile]))
        assert profile_lines(profile_of(profile, NOW))


def test_backticks_do_not_end_the_block_of_a_device() -> None:
    """A device's model or a warning may hold Markdown; it stays text."""
    nasty = DeviceProfile(device="X", result=None, skipped="```\n## forged\n````")
    text = markdown_of(record(profiles=[nasty]))
    assert "\n`````\n" in text
    assert not any(line.startswith("## forged") for line in text.splitlines())
