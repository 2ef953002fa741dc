"""The README and the guides tell the truth: commands, options, settings, examples, and the files that they link."""

import json
import os
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

from exporter.cli.main import COMMANDS, main
from exporter.config.model import model_settings
from exporter.config.targets import load_targets
from exporter.formats.registry import all_formats
from exporter.report.renderer import RENDERERS
from tests.conftest import RunCommand
from tests.exporter.sizes.builders import tflite
from tests.reference import DOCUMENTS, DOCUMENTS_PAGE, PAGE, documents_page, meanings, models_of, settings_page

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def command_lines() -> list[tuple[str, list[str]]]:
    """The words of every `mobile-export` line in the guides, in examples and in running text, with its file."""
    found = []
    for guide in GUIDES:
        text = re.sub(r"\\\n", " ", guide.read_text(encoding="utf-8"))
        lines = re.findall(r"^[-\s]*(?:\$ |run: |- )?mobile-export (.+)$", text, flags=re.MULTILINE)
        lines += re.findall(r"`mobile-export ([^`]+)`", text.replace("\n", " "))
        found += [(guide.name, shlex.split(line, comments=True)) for line in lines]
    return found


def examples(text: str, beginning: str) -> list[list[str]]:
    """The words of the `mobile-export` lines in a page's blocks of sh that begin so, after the program's name."""
    lines = [line for block in blocks(text, "sh") for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"mobile-export {beginning}")]


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that `words` call, and its own words."""
    command: click.Command = main
    words = [word for word in words if word != "--debug"]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"there is no command {words[0]}"
        command, words = found, words[1:]
    return command, words


def option_names(command: click.Command) -> set[str]:
    own = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return own | {"-h", "--help", "--version"}


def test_the_table_of_commands_is_that_of_the_program() -> None:
    """A command that nobody finds is not there, and one that is gone must not be looked for."""
    table = README.partition("\n| command |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z]+)", table, flags=re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_and_option_explains_itself(name: str) -> None:
    """`--help` is what people read first."""
    command, _ = resolve([name])
    commands = [command]
    if isinstance(command, click.Group):
        commands += [
            found for each in command.list_commands(click.Context(command)) if (found := resolve([name, each])[0])
        ]
    for each in commands:
        assert each.help, each.name
        silent = [one.name for one in each.params if isinstance(one, click.Option) and not one.help]
        assert silent == [], each.name


def test_every_example_is_a_command_line_of_the_program() -> None:
    """An option that was renamed would break a user's script, not ours."""
    lines = command_lines()
    assert len(lines) > 10
    for guide, words in lines:
        command, rest = resolve(words)
        used = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert used <= option_names(command), f"{guide}: {' '.join(words)}"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_option_in_running_text_exists(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    every = {name for name in COMMANDS for one in _leaves(name) for name in option_names(one)} | {"--debug"}
    quoted = re.findall(r"`(--[a-z][a-z-]+)[^`]*`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    assert set(quoted) <= every | FOREIGN_OPTIONS


FOREIGN_OPTIONS = {"--udid", "--tls-ca-file", "--tls-cert", "--tls-key"}
"""Of other programs, which the guides speak of."""


def _leaves(name: str) -> list[click.Command]:
    command, _ = resolve([name])
    if not isinstance(command, click.Group):
        return [command]
    return [resolve([name, each])[0] for each in command.list_commands(click.Context(command))]


def test_the_table_of_report_formats_is_that_of_the_renderers() -> None:
    """A format that nobody finds is not there."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    head, _, *rows = page.partition("\n| format |")[2].partition("\n\n")[0].splitlines()
    kinds = ["run" if "`run`" in cell else cell.strip(" `") for cell in head.split("|")[:-2]]
    found = {}
    for row in rows:
        names, *cells = row.strip("|").split("|")
        for name in re.findall("`([a-z]+)`", names):
            found[name] = {kind for kind, cell in zip(kinds, cells, strict=False) if cell.strip() == "yes"}
    assert found == {name: set(kinds) & set(row.kinds) for name, row in RENDERERS.items()}


def test_the_pages_of_settings_are_those_of_the_types() -> None:
    """Run `python -m tests.reference` after a change of settings."""
    assert PAGE.read_text(encoding="utf-8") == settings_page()
    assert DOCUMENTS_PAGE.read_text(encoding="utf-8") == documents_page()


def test_every_setting_is_explained() -> None:
    """By the docstring of its type, which is where the page has it from."""
    own_pages = {"tolerances", "budgets"}
    kinds = [*(form.target_type for form in all_formats()), *(kind for _, kind in DOCUMENTS)]
    for model in {model for kind in kinds for model in models_of(kind)}:
        assert set(model.model_fields) <= {*meanings(model), *own_pages}, model.__name__


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_link_leads_to_a_file(guide: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", guide.read_text(encoding="utf-8"))
    assert [link for link in links if not (guide.parent / link).exists()] == []


def test_every_toml_example_is_well_formed(tmp_path: Path) -> None:
    examples = blocks(README, "toml")
    assert examples
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.toml"
        path.write_text(example)
        load_targets(user_file=path)
        model_settings(path, {})


def test_the_cheap_example_runs(installed: RunCommand, tmp_path: Path) -> None:
    """The one of the README that needs nothing but the light install, word for word."""
    (line,) = examples(README, "budget ")
    (tmp_path / "model.tflite").write_bytes(tflite(100_000))
    done = installed(*line)
    assert done.returncode == 0, done.stderr
    assert "passed" in done.stdout
    assert (tmp_path / "gates.xml").is_file()


def test_the_first_examples_are_targets_of_make_and_extras_of_the_package() -> None:
    """They are typed before anything else is read; what they do is tested where they are made."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    first, install, *_ = blocks(README, "sh")
    wanted = re.findall(r"^make (\w+)", first, flags=re.M)
    assert wanted
    assert [name for name in wanted if not re.search(rf"^{name}:", makefile, flags=re.M)] == []
    asked = {name for names in re.findall(r"\[([\w,]+)\]", install) for name in names.split(",")}
    assert asked
    assert asked <= set(extras)


@pytest.mark.slow
def test_the_example_of_a_model_of_ones_own_runs(
    mobile_export: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Word for word, from the file that it shows to the notebook's cell."""
    monkeypatch.setenv("MOBILE_EXPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    network, cell = blocks(README, "python")
    (tmp_path / "net.py").write_text(network)
    (line,) = examples(README, "run ")
    done = mobile_export(*line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "build" / "report.html").is_file()
    record = json.loads((tmp_path / "build" / "run.json").read_text())
    parity = {
        (one["name"], verdict["metric"], verdict["status"]) for one in record["targets"] for verdict in one["verdicts"]
    }
    assert {("android-float", "parity.snr", "passed"), ("ios-onnx", "parity.snr", "passed")} <= parity
    names: dict[str, Any] = {}
    exec(cell, names)
    assert names["result"].artifacts["android-float"].is_file()
    assert names["result"].record.targets[0].from_cache


@pytest.mark.slow
def test_the_tutorial_is_true(mobile_export: RunCommand, tmp_path: Path) -> None:
    """Every command in its order, behind the demo, which has a test of its own."""
    from exporter.demo.digits import write_demo

    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    cached = {**os.environ, "MOBILE_EXPORT_CACHE": str(tmp_path / "cache")}
    write_demo(tmp_path / "demo-output" / "model", lambda *_: None)
    check, run, own = (words for name in ("check ", "run ") for words in examples(tutorial, name))
    assert mobile_export(*check, env=cached).returncode == 0
    done = mobile_export(*run, env=cached)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "build" / "report.html").is_file()
    (limits,) = blocks(tutorial, "toml")
    for size, code in (("50 kB", 1), ("100 kB", 0)):
        (tmp_path / "targets.toml").write_text(limits.replace("50 kB", size))
        done = mobile_export(*own, env=cached)
        assert done.returncode == code, done.stdout + done.stderr
