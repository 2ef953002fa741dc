"""The files under integrations/: what can be run is run, the rest is parsed, and every option in them exists."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from exporter.cli.commands.budget import command as budget
from exporter.cli.commands.compare import command as compare
from tests.exporter.sizes.builders import tflite
from tests.integrations.github import Comments, serving

FOLDER = Path(__file__).resolve().parents[2] / "integrations"
MARK = "<!-- mobile-export: sizes -->"
EVENT = {"pull_request": {"number": 7}}


def comment(folder: Path, address: str, text: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    (folder / "event.json").write_text(json.dumps(EVENT))
    (folder / "comment.md").write_text(text, encoding="utf-8")
    given = {
        "GITHUB_API_URL": address,
        "GITHUB_TOKEN": "secret",
        "GITHUB_REPOSITORY": "ada/app",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        **environment,
    }
    command = [sys.executable, str(FOLDER / "github" / "comment.py"), "sizes", str(folder / "comment.md")]
    return subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True, check=False)


def test_a_pull_request_has_one_comment_whatever_is_pushed(tmp_path: Path) -> None:
    """A comment a push is what people mute; the mark may lie behind a page of others."""
    comments = Comments(*(f"remark {number}" for number in range(130)))
    with serving(comments) as address:
        for text in ("first", "second", "third"):
            assert comment(tmp_path, address, text).returncode == 0
    assert len(comments.bodies) == 131
    assert comments.bodies[131] == f"{MARK}\nthird"
    assert comments.requests[-1] == ("PATCH", "/repos/ada/app/issues/comments/131")


def test_a_comment_that_quotes_the_mark_is_not_overwritten(tmp_path: Path) -> None:
    """A person's words are theirs."""
    comments = Comments(f"> {MARK}\nwhy did this grow?")
    with serving(comments) as address:
        assert comment(tmp_path, address, "found").returncode == 0
    assert list(comments.bodies.values()) == [f"> {MARK}\nwhy did this grow?", f"{MARK}\nfound"]


def test_a_long_report_is_cut_and_says_so(tmp_path: Path) -> None:
    """GitHub refuses more than 65,536 characters."""
    comments = Comments()
    with serving(comments) as address:
        assert comment(tmp_path, address, "ä" * 70_000).returncode == 0
    assert len(comments.bodies[1]) == 65_536
    assert comments.bodies[1].rstrip().endswith("The job summary has the whole report.*")


@pytest.mark.parametrize(("token", "refuse"), [("secret", 403), ("wrong", 0)])
def test_what_github_refuses_is_told(token: str, refuse: int, tmp_path: Path) -> None:
    """Pull requests from forks have no right to comment; the gate does not hang on it."""
    with serving(Comments(refuse=refuse)) as address:
        done = comment(tmp_path, address, "found", GITHUB_TOKEN=token)
    assert done.returncode == 3
    assert "pull-requests: write" in done.stderr


def gate(folder: Path, arguments: str, **environment: str) -> dict[str, str]:
    """Runs the gate as the action does; gives what it leaves."""
    given = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "ARGUMENTS": arguments,
        **environment,
    }
    done = subprocess.run(
        ["bash", FOLDER / "github" / "gate.sh"], cwd=folder, env={**os.environ, **given}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    left = {"log": done.stdout, "output": (folder / "output").read_text()}
    left["comment"] = (folder / "temp" / "mobile-export" / "comment.md").read_text(encoding="utf-8")
    return left


def test_the_gate_keeps_the_exit_code_and_the_report(tmp_path: Path) -> None:
    """A failed gate is told in the log, the summary and the comment; words in quotes stay together."""
    (tmp_path / "my model.tflite").write_bytes(tflite(9000))
    left = gate(tmp_path, 'budget "my model.tflite" --max-download "1 kB"', RECORD="sizes.json")
    assert left["output"] == "exit-code=1\n"
    assert "::error" in left["log"]
    assert "my model" in (tmp_path / "summary.md").read_text()
    assert left["comment"].startswith("There is no baseline of the base branch")
    assert "download.max" in left["comment"]
    kept = tmp_path / "temp" / "mobile-export" / "baseline"
    kept.mkdir()
    shutil.copy(tmp_path / "sizes.json", kept)
    (tmp_path / "my model.tflite").write_bytes(tflite(19000))
    grown = gate(tmp_path, 'budget "my model.tflite" --max-growth "1 %"', RECORD="sizes.json")
    assert grown["output"] == "exit-code=1\nexit-code=1\n"
    assert "download.growth" in grown["comment"]
    assert "no baseline" not in grown["comment"]


def test_a_gate_that_could_not_run_is_told_and_is_no_pass(tmp_path: Path) -> None:
    """Wrong usage leaves no report."""
    left = gate(tmp_path, "budget missing.tflite $(touch ran)")
    assert left["output"] == "exit-code=2\n"
    assert "left no report" in left["comment"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("run", "kept"), [("41", True), ("41", False), ("", False)])
def test_the_baseline_is_that_of_the_base_branch(run: str, kept: bool, tmp_path: Path) -> None:
    """A first pull request has none, and an old run's artifact may be gone: told, and no failure."""
    tool = tmp_path / "bin" / "gh"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/bash\necho "$*" >> "$RUNNER_TEMP/calls"\n[ "$2" = list ] && echo "{run}" && exit 0\n'
        + ('touch "${@: -1}/sizes.json"\n' if kept else "exit 1\n")
    )
    tool.chmod(0o755)
    environment = {
        "PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_REPOSITORY": "ada/app",
        "GITHUB_WORKFLOW": "ci",
        "BASE": "main",
        "NAME": "sizes",
    }
    command = ["bash", str(FOLDER / "github" / "baseline.sh")]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mobile-export" / "baseline" / "sizes.json").exists() is kept
    assert ("no baseline" in done.stdout) is not kept
    assert "--branch main --status success" in (tmp_path / "calls").read_text()


def scripts(path: Path) -> list[str]:
    """Everything in a YAML file that a shell runs."""
    found: list[str] = []

    def look(value: object) -> None:
        for key, one in value.items() if isinstance(value, dict) else ():
            if key in ("run", "content"):
                found.append(one)
            elif key == "script":
                found.extend(one)
            look(one)
        for one in value if isinstance(value, list) else ():
            look(one)

    look(yaml.safe_load(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yml")), ids=lambda path: path.name)
def test_shell_in_yaml_is_shell(path: Path) -> None:
    """A quote too many is found here and not in a user's pipeline."""
    assert scripts(path)
    for script in scripts(path):
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_shell(path: Path) -> None:
    """Each by the shell that it names."""
    shell = "bash" if "bash" in path.read_text().splitlines()[0] else "sh"
    assert subprocess.run([shell, "-n", path], check=False).returncode == 0


def test_the_build_phase_of_xcode(tmp_path: Path) -> None:
    """Nothing in debug builds; the program gets the app, its minimum OS, and the budgets where there are any."""
    tool = tmp_path / "home" / ".local" / "bin" / "mobile-export"
    tool.parent.mkdir(parents=True)
    tool.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 1\n')
    tool.chmod(0o755)
    settings = {
        "HOME": str(tmp_path / "home"),
        "PATH": "/usr/bin:/bin",
        "CODESIGNING_FOLDER_PATH": "/build/My App.app",
        "IPHONEOS_DEPLOYMENT_TARGET": "17.0",
        "SRCROOT": str(tmp_path),
    }

    def build(configuration: str) -> "subprocess.CompletedProcess[str]":
        command, environment = (
            ["sh", str(FOLDER / "xcode" / "check-sizes.sh")],
            {**settings, "CONFIGURATION": configuration},
        )
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert (build("Debug").returncode, build("Debug").stdout) == (0, "")
    plain = "budget|/build/My App.app|--store|app-store|--minimum-os|17.0|"
    assert (build("Release").returncode, build("Release").stdout) == (1, plain)
    (tmp_path / "budgets.toml").touch()
    assert build("Release").stdout == f"{plain}--budgets|{tmp_path / 'budgets.toml'}|"


@pytest.mark.skipif(shutil.which("ruby") is None, reason="ruby is not installed: apt-get install ruby")
def test_the_lane_of_fastlane_is_ruby() -> None:
    """And nothing but its own words is run when it is read."""
    done = subprocess.run(["ruby", "-c", FOLDER / "fastlane" / "Fastfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_option_in_them_exists() -> None:
    """An option that was renamed would break a user's CI, not ours."""
    known = {name for command in (budget, compare) for parameter in command.params for name in parameter.opts}
    for path in (path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".py"):
        text = path.read_text(encoding="utf-8")
        for call in re.findall(r'mobile-export"?,? "?(?:budget|compare).*?(?=\n\s*(?:-|artifacts|fi)|\Z)', text, re.S):
            used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", call))
            foreign = {"--silent", "--show-error", "--fail", "--location", "--header", "--output"}
            assert used - foreign <= known, path
