"""The Python interface does what the commands do, typed, prints nothing, and shows its results in notebooks."""

import doctest
import html
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mobile_export as mx
from exporter import api
from exporter.api import files, jobs, model
from exporter.data.errors import UsageProblem
from tests.exporter.cli.test_start import HEAVY
from tests.exporter.sizes.builders import tflite

FUNCTIONS = [value for value in vars(mx).values() if inspect.isfunction(value)]
METHODS = [value for name, value in vars(mx.Model).items() if inspect.isfunction(value) and not name.startswith("_")]
TARGETS = """
[targets.phone]
extends = "android-float"
budgets.size = "1 MB"

[recipes.sparse]
[[recipes.sparse.steps]]
method = "magnitude_pruning"
sparsity = 0.5
"""


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    small, large = tmp_path / "small.tflite", tmp_path / "model.tflite"
    small.write_bytes(tflite(100_000))
    large.write_bytes(tflite(600_000))
    return small, large


def test_budget_judges_as_the_command_does(models: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A notebook and CI must not disagree."""
    found = mx.budget(*models, max_download="150 kB")
    assert [verdict.status.value for verdict in found.verdicts] == ["failed", "passed"]
    assert found.exit_code == 1
    assert json.loads(mx.render("json", found))["exit_code"] == 1
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("module", [files, jobs, model], ids=lambda module: module.__name__)
def test_examples_in_docstrings_are_true(
    module: object, models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are what the reference shows; the files that they name lie in the current folder."""
    monkeypatch.chdir(models[0].parent)
    assert doctest.testmod(module, extraglobs=vars(mx)).failed == 0  # type: ignore[arg-type]


def test_one_name_has_everything() -> None:
    assert set(mx.__all__) == {"__version__", *api.__all__}
    assert all(getattr(mx, name) is getattr(api, name) for name in api.__all__)


def test_a_format_that_cannot_be_had_is_told_with_those_that_can(models: tuple[Path, Path]) -> None:
    with pytest.raises(UsageProblem, match="compare cannot be had as 'pdf'; it can as text, json"):
        mx.render("pdf", mx.compare(*models))


@pytest.mark.parametrize("function", [*FUNCTIONS, *METHODS], ids=lambda function: function.__qualname__)
def test_every_function_is_typed_and_explained(function: object) -> None:
    """Notebooks show signatures and docstrings, and nothing else."""
    assert inspect.getdoc(function)
    signature = inspect.signature(function)  # type: ignore[arg-type]
    assert signature.return_annotation is not inspect.Signature.empty
    own = [one for name, one in signature.parameters.items() if name != "self"]
    assert all(one.annotation is not inspect.Parameter.empty for one in own)


def test_importing_it_loads_no_heavy_library() -> None:
    script = "import sys\nimport mobile_export\nprint(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY


class Printer:
    """IPython's, as far as results use it."""

    def __init__(self) -> None:
        self.said = ""

    def text(self, text: str) -> None:
        self.said += text


def test_a_result_shows_its_page_in_a_frame(models: tuple[Path, Path]) -> None:
    """Its styles would change the notebook's, and the notebook's its own."""
    found = mx.budget(*models)
    shown = found._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert mx.render("html", found) in html.unescape(shown)


def test_a_result_without_a_page_shows_its_tables(models: tuple[Path, Path]) -> None:
    found = mx.inspect(models[0])
    assert html.unescape(found._repr_html_()) == f"<pre>{mx.render('text', found)}</pre>"


def test_a_terminal_shows_tables_instead_of_a_record(models: tuple[Path, Path]) -> None:
    printer = Printer()
    mx.compare(*models)._repr_pretty_(printer, cycle=False)
    assert printer.said == mx.render("text", mx.compare(*models)).rstrip("\n")


def test_names_that_are_no_text_can_be_shown(tmp_path: Path) -> None:
    """Messages of Jupyter are UTF-8, file names need not be."""
    path = tmp_path / "caf\udce9<b>.tflite"
    path.write_bytes(tflite(1000))
    shown = mx.inspect(path)._repr_html_()
    assert "caf\\udce9&lt;b&gt;" in shown.encode().decode()


def test_a_module_that_is_given_itself_is_told_how_to_be_named() -> None:
    with pytest.raises(UsageProblem, match='Model\\("__main__:net"\\)'):
        mx.Model(object())  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_model_is_compressed_converted_and_verified_in_one_chain(
    small_spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The main job: artifacts, record and page lie where the command puts them, and are read again as the same."""
    monkeypatch.setenv("MOBILE_EXPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("targets.toml").write_text(TARGETS)
    settings = {"inputs": [{"name": "image", "shape": (1, 3, 16, 16)}]}
    small = mx.Model(small_spec, settings).compress("sparse")
    assert small.spec == str(Path("build", "sparse.pt2"))
    assert "magnitude_pruning" in small._repr_html_()
    converted = small.convert("phone")
    assert converted.artifacts["phone"].is_file()
    assert [verdict.status.value for verdict in converted.verdicts if verdict.metric == "size"] == ["passed"]
    result = small.run("phone", output="out", measure=False)
    assert result.exit_code == 0, mx.render("text", result)
    assert result.record.targets[0].from_cache, "the conversion is that of convert"
    assert Path("out", "report.html").is_file()
    assert mx.report(Path("out", "run.json")) == result
    assert mx.render("html", result) in html.unescape(result._repr_html_())


@pytest.mark.slow
def test_a_module_of_the_notebook_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import __main__
    from tests.data.small_models import small

    monkeypatch.setenv("MOBILE_EXPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(__main__, "net", small(), raising=False)
    net = mx.Model("__main__:net", {"inputs": [{"name": "image", "shape": (1, 3, 16, 16)}]})
    assert net.check("android-float").exit_code == 0
