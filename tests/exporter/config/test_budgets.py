"""budgets.toml and baselines: no unit can be confused, and no error is silent."""

import datetime as dt
import json
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.budgets import load_budgets
from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import Measurement
from exporter.data.units import format_change, format_percent, parse_percent
from exporter.gates.baseline import Baseline, baseline_text, from_measurements, load_baseline
from exporter.sizes.measure import measure
from exporter.sizes.packaging import Options
from tests.exporter.sizes.builders import tflite

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


def written(folder: Path, text: str) -> Path:
    path = folder / "budgets.toml"
    path.write_text(text)
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    """The example of the documentation."""
    file = load_budgets(
        written(
            tmp_path,
            """
            schema_version = 1
            stores = ["app-store"]
            minimum_os = "16"
            duplicates = "error"
            [[budgets]]
            metric = "download"
            subject = "*.ipa"
            max = "50 MB"
            growth = { bytes = "100 kB", percent = "1 %", fail_when = "both" }
            drift = { percent = "5 %" }
            severity = "warn"
            [[budgets]]
            metric = "install"
            model = "voice*"
            max = "8 MiB"
            [[waivers]]
            subject = "*.ipa"
            metric = "download.growth"
            reason = "new voice"
            author = "Ada"
            expires = 2026-12-31
            """,
        )
    )
    assert file.budgets[0].max == 50_000_000
    assert file.budgets[1].max == 8 * 2**20
    assert file.budgets[0].growth is not None
    assert file.budgets[0].growth.percent == Fraction(1, 100)
    assert file.waivers[0].expires == dt.date(2026, 12, 31)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("max = 5000000", "write a size with its unit"),
        ('max = "5000000"', "is not a quantity with a unit"),
        ('max = "5 mb"', "is not a quantity with a unit"),
        ('max = "5 %"', "is not a quantity with a unit"),
        ('max = "0.5 B"', "not a whole number of bytes"),
        ("growth = { percent = 1 }", "could be a ratio or a percent"),
        ("growth = { percent = 0.01 }", "could be a ratio or a percent"),
        ('growth = { percent = "0.01" }', "is not a percentage"),
        ('growth = { percent = "1" }', "is not a percentage"),
        ('growth = { percent = "-1 %" }', "is not a percentage"),
        ('growth = { bytes = "1 %" }', "is not a quantity with a unit"),
        ("growth = {}", "give bytes = '100 kB', percent = '1 %', or both"),
        ('growht = { percent = "1 %" }', "did you mean 'growth'"),
        ('severity = "fatal"', "severity"),
    ],
)
def test_a_figure_without_its_unit_is_refused(tmp_path: Path, setting: str, told: str) -> None:
    """A ratio read as a percentage switched a gate off for months (browser-sdk#4852)."""
    with pytest.raises(UsageProblem) as caught:
        load_budgets(written(tmp_path, f'schema_version = 1\n[[budgets]]\nmetric = "download"\n{setting}'))
    assert told in str(caught.value)
    assert "budgets.0" in str(caught.value)


@pytest.mark.parametrize("missing", ["reason", "author", "expires", "subject", "metric"])
def test_a_waiver_needs_reason_author_and_end(tmp_path: Path, missing: str) -> None:
    """An exception that nobody signed cannot be asked about."""
    fields = {"subject": '"*"', "metric": '"*"', "reason": '"r"', "author": '"a"', "expires": "2026-12-31"}
    lines = [f"{key} = {value}" for key, value in fields.items() if key != missing]
    with pytest.raises(UsageProblem, match=rf"waivers.0.{missing}"):
        load_budgets(written(tmp_path, "schema_version = 1\n[[waivers]]\n" + "\n".join(lines)))


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    """One run of CI for each mistake wears people out."""
    text = 'schema_version = 1\n[[budgets]]\nmetric = "download"\nmax = 1\n[[budgets]]\nmetric = "x"\nmax = "1 B"'
    with pytest.raises(UsageProblem, match=r"(?s)budgets\.0\.max.*budgets\.1\.metric"):
        load_budgets(written(tmp_path, text))


@given(st.integers(0, 10**6), st.integers(0, 99))
def test_percentages_are_exact(whole: int, cents: int) -> None:
    """No float stands between the text and the gate."""
    assert parse_percent(f"{whole}.{cents:02} %") == Fraction(whole * 100 + cents, 10_000)


def test_changes_are_shown_with_sign_and_percent() -> None:
    """A reviewer reads both."""
    assert format_change(1500, 100_000) == "+1.50 kB (+1.5 %)"
    assert format_change(-10, 100) == "-10 B (-10 %)"
    assert format_change(5, 0) == "+5 B"
    assert format_percent(Fraction(12345, 100)) == "12,345 %"


def measured(folder: Path, size: int = 5000) -> list[Measurement]:
    path = folder / "m.tflite"
    path.write_bytes(tflite(size))
    return measure(path, Options())


def read(path: Path) -> Baseline | None:
    return load_baseline(path, lambda found: measure(found, Options()))


def test_a_baseline_is_read_back(tmp_path: Path) -> None:
    """What was written is what is compared with."""
    found = measured(tmp_path)
    path = tmp_path / "sizes.json"
    path.write_text(baseline_text(found, NOW))
    baseline = read(path)
    assert baseline is not None
    assert baseline.subjects == from_measurements(found, "").subjects
    assert baseline.created_at == NOW


def test_an_artifact_or_a_run_is_a_baseline(tmp_path: Path) -> None:
    """The build of the base branch lies on disk in most CI systems."""
    from tests.exporter.sizes.records import run_json

    found = measured(tmp_path)
    baseline = read(tmp_path / "m.tflite")
    assert baseline is not None
    assert baseline.find("other/m.tflite", alone=False) == from_measurements(found, "").subjects[found[0].subject]
    run = read(run_json(tmp_path, {"pixel": ("m.tflite", {})}))
    assert run is not None
    assert next(iter(run.subjects)).endswith("run.json:pixel")


def test_no_file_is_no_baseline(tmp_path: Path) -> None:
    """The first build of a branch."""
    assert read(tmp_path / "nope.json") is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema_version": 2}, "knows versions up to 1"),
        ({"schema_version": 0}, "no release ever wrote"),
        ({"schema_version": None}, "no schema_version"),
        ({"kind": "other"}, "is no size baseline"),
        ({"subjects": {"a": {"install": {"value": -1}}}}, "is damaged at subjects.a.install"),
        ({"subjects": []}, "is damaged at subjects"),
    ],
)
def test_a_bad_baseline_is_one_clear_error(tmp_path: Path, change: dict[str, object], told: str) -> None:
    """Not a missing one: the gate would be off."""
    path = tmp_path / "sizes.json"
    path.write_text(json.dumps({**json.loads(baseline_text(measured(tmp_path), NOW)), **change}))
    with pytest.raises(UsageProblem) as caught:
        read(path)
    assert told in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_baseline_that_is_no_json_is_said(tmp_path: Path, content: bytes) -> None:
    """A merge conflict in a committed file."""
    path = tmp_path / "sizes.json"
    path.write_bytes(content)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # as in the command; converters that ran in this process raise it
    try:
        with pytest.raises(UsageProblem, match="is not JSON"):
            read(path)
    finally:
        sys.setrecursionlimit(before)


def test_names_that_two_have_are_not_guessed(tmp_path: Path) -> None:
    """Two flavours build files of one name: neither stands for the other."""
    sizes = from_measurements(measured(tmp_path), "").subjects
    one = next(iter(sizes.values()))
    baseline = Baseline(where="b", created_at=None, subjects={"free/app.apk": one, "paid/app.apk": one})
    assert baseline.find("new/app.apk", alone=True) is None
    assert baseline.find("free/app.apk", alone=True) == one
