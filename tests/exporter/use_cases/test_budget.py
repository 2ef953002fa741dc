"""`budget` and `compare` as a user runs them: exit codes, formats, files written, messages."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import RunCommand
from tests.exporter.cli.test_start import HEAVY
from tests.exporter.sizes.builders import app_files, mlpackage, tflite, write_zip


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.tflite"
    path.write_bytes(tflite(100_000))
    return path


def test_sizes_alone_exit_0(mobile_export: RunCommand, model: Path) -> None:
    """No gate, no failure."""
    done = mobile_export("budget", model.name)
    assert done.returncode == 0, done.stderr
    assert "102.40 kB" in done.stdout
    assert not done.stderr


def test_every_verdict_is_shown_and_the_worst_decides(mobile_export: RunCommand, model: Path) -> None:
    """A passed store rule must not hide the failed budget, nor the other way round."""
    app = ("--store", "app-clip", "--minimum-os", "16", "--app-size", "14 MB")
    limits = ("--max-download", "90 kB", "--max-install", "1 MB")
    done = mobile_export("budget", "m.tflite", *app, *limits, "-f", "json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["schema_version"] == 1
    assert report["exit_code"] == 1
    statuses = [(one["metric"], one["status"]) for one in report["verdicts"]]
    assert statuses[0] == ("download.max", "failed")
    assert ("store.app-clip.bundle-16", "passed") in statuses
    assert ("install.max", "passed") in statuses


def test_baseline_reports_and_summary_are_written_in_one_run(mobile_export: RunCommand, model: Path) -> None:
    """CI systems want several formats of one measurement."""
    assert mobile_export("budget", "m.tflite", "--write-baseline", "sizes.json").returncode == 0
    model.write_bytes(tflite(110_000))
    folder = model.parent
    (folder / "summary.md").write_text("before\n")
    growth = ("--baseline", "sizes.json", "--max-growth", "1 %", "--max-growth", "100 kB")
    reports = ("--report", "junit=j.xml", "--report", "sarif=s.sarif", "--report", "gitlab=g.json")
    done = mobile_export("budget", "m.tflite", *growth, "-f", "github", *reports, "--summary", "summary.md")
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=m.tflite,title=download.growth::m.tflite: it changed by +")
    assert ET.parse(folder / "j.xml").getroot().get("failures") == "2"
    assert json.loads((folder / "s.sarif").read_text())["version"] == "2.1.0"
    assert len(json.loads((folder / "g.json").read_text())) == 2
    summary = (folder / "summary.md").read_text()
    assert summary.startswith("before\n## Sizes: 2 failed")
    assert {path.name for path in folder.iterdir()} == {
        "m.tflite",
        "sizes.json",
        "j.xml",
        "s.sarif",
        "g.json",
        "summary.md",
    }


def test_a_missing_baseline_passes_unless_strict(mobile_export: RunCommand, model: Path) -> None:
    """The first build of a project."""
    arguments = ("budget", "m.tflite", "--baseline", "none.json", "--max-growth", "1 %")
    done = mobile_export(*arguments)
    assert done.returncode == 0
    assert "not checked" in done.stdout
    assert mobile_export(*arguments, "--strict").returncode == 1


def test_budgets_and_waivers_of_the_folder_are_used(mobile_export: RunCommand, model: Path) -> None:
    """budgets.toml needs no option."""
    (model.parent / "budgets.toml").write_text(
        'schema_version = 1\n[[budgets]]\nmetric = "download"\nmax = "1 kB"\n'
        '[[waivers]]\nsubject = "*"\nmetric = "*"\nreason = "new voice"\nauthor = "Ada"\nexpires = 9999-12-31\n'
    )
    done = mobile_export("budget", "m.tflite")
    assert done.returncode == 0
    assert "waived       m.tflite  download.max" in done.stdout
    assert "new voice" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nope.ipa",), "is not there"),
        (("m.tflite", "--max-growth", "1"), "write a percentage '1 %'"),
        (("m.tflite", "--max-download", "5"), "not a quantity with a unit"),
        (("m.tflite", "--store", "appstore"), "there is no store 'appstore'"),
        (("m.tflite", "--store", "app-clip", "--minimum-os", "x"), "not a version"),
        (("m.tflite", "--report", "xml=x"), "write FORMAT=FILE"),
        (("m.tflite", "--report", "junit=m.tflite/x"), "cannot be written"),
        (("m.tflite", "--app-download", "5 MB"), "--app-download needs --app-size"),
        (("m.tflite", "--rules", "m.tflite"), "not UTF-8"),
        ((), "Missing argument"),
    ],
)
def test_wrong_usage_is_exit_2_with_one_message(
    mobile_export: RunCommand, model: Path, arguments: tuple[str, ...], told: str
) -> None:
    """CI must tell a broken set-up from a size that is over."""
    done = mobile_export("budget", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_names_with_line_ends_cannot_forge_a_verdict(mobile_export: RunCommand, tmp_path: Path) -> None:
    """A file of a pull request may have any name, and the log is read by people and by CI."""
    name = "x\npassed  everything\n::error::no.tflite"
    (tmp_path / name).write_bytes(tflite(5000))
    for form in ("text", "github", "markdown"):
        done = mobile_export("budget", name, "--max-download", "1 B", "-f", form)
        assert done.returncode == 1
        assert not [line for line in done.stdout.split("\n") if line.startswith(("passed", "::error::"))]


def test_a_name_that_is_no_text_is_reported(installed: RunCommand, mobile_export: RunCommand, tmp_path: Path) -> None:
    """File systems of Linux hold bytes; what is written is UTF-8 all the same."""
    name = os.fsdecode(b"\xff.tflite")
    (tmp_path / name).write_bytes(tflite(5000))
    for form in ("text", "json", "junit", "sarif", "gitlab", "github", "markdown"):
        run = installed if form == "text" else mobile_export
        done = run("budget", name, "--max-download", "1 B", "-f", form)
        assert done.returncode == 1, done.stderr


def test_apps_and_packages_from_the_command_line(mobile_export: RunCommand, tmp_path: Path) -> None:
    """Several kinds at once, with a total."""
    files = {f"Payload/A.app/{name}": content for name, content in app_files("A", {"m.tflite": tflite(9000)}).items()}
    write_zip(tmp_path / "a.ipa", files)
    mlpackage(tmp_path / "M.mlpackage", 20_000)
    done = mobile_export("budget", "a.ipa", "M.mlpackage", "--store", "app-store", "--app-size", "20 MB", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ("m.tflite", "M.mlpackage", "total", "estimated", "store.app-store.bundle"):
        assert told in done.stdout


def test_compare_says_why_it_grew(mobile_export: RunCommand, tmp_path: Path) -> None:
    """A table and a treemap."""
    for name, size in (("a", 1000), ("b", 5000)):
        folder = tmp_path / f"{name}.app"
        folder.mkdir()
        (folder / "big.bin").write_bytes(b"x" * size)
        (folder / "same.bin").write_bytes(b"y" * 500)
    done = mobile_export("compare", "a.app", "b.app", "--treemap", "t.svg")
    assert done.returncode == 0, done.stderr
    assert "+4.00 kB (+400 %)" in done.stdout
    assert "1 unchanged" in done.stdout
    assert ET.parse(tmp_path / "t.svg").getroot().tag.endswith("svg")
    document = json.loads(mobile_export("compare", "a.app", "b.app", "-f", "json").stdout)
    assert document["schema_version"] == 1
    assert document["comparisons"][0]["size"] == {"name": "size", "before": 1500, "after": 5500}


@pytest.mark.parametrize(
    "arguments", [["budget", "m.tflite"], ["compare", "m.tflite", "m.tflite"], ["budget", "--help"]]
)
def test_the_commands_load_no_heavy_library(model: Path, arguments: list[str]) -> None:
    """They run in the light install, in a build phase, on every build."""
    script = (
        "import sys\nfrom exporter.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as stop:\n    code = stop.code\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=model.parent, check=True)
    assert not set(done.stdout.rpartition("LOADED")[2].split()) & HEAVY
