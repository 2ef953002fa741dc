"""The Python interface does what the commands do, typed, and prints nothing."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from exporter import api
from exporter.data.errors import UsageProblem
from tests.exporter.cli.test_start import HEAVY
from tests.exporter.sizes.builders import tflite

FUNCTIONS = [value for name, value in vars(api).items() if inspect.isfunction(value) and not name.startswith("_")]
OWN = [function for function in FUNCTIONS if function.__module__ == "exporter.api"]


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    small, large = tmp_path / "small.tflite", tmp_path / "large.tflite"
    small.write_bytes(tflite(10_000))
    large.write_bytes(tflite(20_000))
    return small, large


def test_budget_judges_as_the_command_does(models: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A notebook and CI must not disagree."""
    found = api.budget(*models, max_download="15 kB")
    assert [verdict.status.value for verdict in found.verdicts] == ["failed", "passed"]
    assert found.exit_code == 1
    assert json.loads(api.render("json", found))["exit_code"] == 1
    assert capsys.readouterr() == ("", "")


def test_compare_inspect_and_targets_give_frozen_results(models: tuple[Path, Path]) -> None:
    assert api.compare(*models).diffs[0].size.bytes > 0
    assert api.inspect(models[0]).inspection.size_bytes == models[0].stat().st_size
    names = [row.name for row in api.targets().rows]
    assert api.target(names[0]).name == names[0]


def test_a_format_that_cannot_be_had_is_told_with_those_that_can(models: tuple[Path, Path]) -> None:
    with pytest.raises(UsageProblem, match="compare cannot be had as 'junit'; it can as text, json"):
        api.render("junit", api.compare(*models))


@pytest.mark.parametrize("function", OWN, ids=lambda function: function.__name__)
def test_every_function_is_typed_and_explained(function: object) -> None:
    """Notebooks show signatures and docstrings, and nothing else."""
    assert inspect.getdoc(function)
    signature = inspect.signature(function)  # type: ignore[arg-type]
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(one.annotation is not inspect.Parameter.empty for one in signature.parameters.values())


def test_importing_it_loads_no_heavy_library() -> None:
    script = "import sys\nimport exporter.api\nprint(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY


@pytest.mark.slow
def test_run_converts_and_reports(small_spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The main job: artifacts, record and page lie where the command puts them, and are read again as the same."""
    monkeypatch.setenv("MOBILE_EXPORT_CACHE", str(tmp_path / "cache"))
    settings = {"inputs": [{"name": "image", "shape": (1, 3, 16, 16)}]}
    result = api.run(small_spec, ["android-float"], settings=settings, output=tmp_path / "out", measure=False)
    assert result.exit_code == 0, api.render("text", result)
    assert (tmp_path / "out" / "report.html").is_file()
    assert api.report(tmp_path / "out" / "run.json").record == result.record
