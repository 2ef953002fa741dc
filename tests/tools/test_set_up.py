"""The scripts behind `make`: which interpreter is taken, and what installs into the environment."""

import subprocess
from pathlib import Path

import pytest

from tools.constraints import ROOT


def program(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def python(path: Path, version: str) -> Path:
    """A stand-in for an interpreter: it answers as one of `version` that lies at `path`."""
    return program(path, f'case "$2" in *sys.executable*) echo "{version} {path}";; *) echo {version};; esac')


def run(tmp_path: Path, name: str, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A script with nothing on PATH but the system's tools and `tmp_path`/bin."""
    for tool in ("sh", "cat", "dirname", "mkdir", "mktemp", "mv", "rm", "touch"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        if not (tmp_path / "bin" / tool).exists():
            (tmp_path / "bin" / tool).symlink_to(f"/bin/{tool}")
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), **variables}
    return subprocess.run(
        [ROOT / "tools" / name, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_a_shim_that_fails_is_passed_over(tmp_path: Path) -> None:
    """pyenv puts `python3.12` on PATH whether or not it would run."""
    program(tmp_path / "bin" / "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    found = python(tmp_path / ".pyenv" / "versions" / "3.12.1" / "bin" / "python", "3.12")
    assert run(tmp_path, "find-python").stdout.strip() == str(found)


def test_one_on_path_comes_first(tmp_path: Path) -> None:
    python(tmp_path / ".pyenv" / "versions" / "3.12.1" / "bin" / "python", "3.12")
    found = python(tmp_path / "bin" / "python3.13", "3.13")
    assert run(tmp_path, "find-python").stdout.strip() == str(found)


def test_one_by_another_name_is_taken_by_its_version(tmp_path: Path) -> None:
    found = python(tmp_path / "bin" / "python3", "3.13")
    assert run(tmp_path, "find-python").stdout.strip() == str(found)


def test_none_is_said_with_what_to_do(tmp_path: Path) -> None:
    python(tmp_path / "bin" / "python3", "3.11")
    done = run(tmp_path, "find-python")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Python 3.12 or 3.13 is needed, and there is none on PATH" in done.stderr
    assert "make PYTHON=/path/to/python3.12" in done.stderr


@pytest.mark.parametrize(("version", "words"), [("3.11", "is Python 3.11."), ("", "does not run.")])
def test_one_that_was_named_must_fit(tmp_path: Path, version: str, words: str) -> None:
    named = python(tmp_path / "mine", version) if version else tmp_path / "mine"
    python(tmp_path / "bin" / "python3.12", "3.12")
    done = run(tmp_path, "find-python", str(named))
    assert done.returncode == 1
    assert f"{named} {words} Python 3.12 or 3.13 is needed" in done.stderr


def test_uv_makes_the_environment_from_the_pinned_versions(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "uv", 'echo "$@"')
    found = python(tmp_path / "bin" / "python3.12", "3.12")
    done = run(tmp_path, "set-up", str(tmp_path / "venv"), "uv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"venv --quiet --python {found} {tmp_path}/venv",
        f"pip install --python {tmp_path}/venv/bin/python --quiet --constraint constraints/3.12.txt "
        "--editable .[all,dev]",
    ]


def test_an_environment_that_is_there_is_renewed(tmp_path: Path) -> None:
    """With its own interpreter, whichever one would be found."""
    program(tmp_path / "bin" / "uv", 'echo "$@"')
    python(tmp_path / "bin" / "python3.12", "3.12")
    python(tmp_path / "venv" / "bin" / "python", "3.13")
    done = run(tmp_path, "set-up", str(tmp_path / "venv"), "uv")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["pip"]
    assert "constraints/3.13.txt" in done.stdout


def test_an_environment_of_another_python_is_left_alone(tmp_path: Path) -> None:
    """It may be the user's own, so that it is not for `make` to replace."""
    python(tmp_path / "bin" / "python3.12", "3.12")
    python(tmp_path / "venv" / "bin" / "python", "3.11")
    done = run(tmp_path, "set-up", str(tmp_path / "venv"), "uv")
    assert done.returncode == 1
    assert "is Python 3.11" in done.stderr
    assert f"Remove {tmp_path}/venv" in done.stderr


def test_plain_pip_does_it_too(tmp_path: Path) -> None:
    made = 'mkdir -p "$3/bin"; printf \'#!/bin/sh\\necho "$@"\\n\' >"$3/bin/python"; /bin/chmod +x "$3/bin/python"'
    program(
        tmp_path / "bin" / "python3.12",
        f'case "$2" in *executable*) echo "3.12 $0";; venv) {made};; *) echo 3.12;; esac',
    )
    done = run(tmp_path, "set-up", str(tmp_path / "venv"), "pip")
    assert done.stdout.strip() == "-m pip install --quiet --constraint constraints/3.12.txt --editable .[all,dev]"


def test_uv_is_fetched_once_for_all_clones(tmp_path: Path) -> None:
    """By the pip of the interpreter that was found, into the user's cache."""
    fake = 'mkdir -p "$8/bin"; printf \'#!/bin/sh\\necho "uv $*"\\n\' >"$8/bin/uv"; /bin/chmod +x "$8/bin/uv"'
    found = program(tmp_path / "bin" / "python3.12", f'[ "$2 $3" = "pip install" ] && {fake}; echo pip ran >&2')
    first, second = (run(tmp_path, "uv", "venv", "x", PYTHON=str(found)) for _ in range(2))
    assert (first.stdout, second.stdout) == ("uv venv x\n", "uv venv x\n")
    assert ("pip ran" in first.stderr, "pip ran" in second.stderr) == (True, False)
    assert [path.name[:3] for path in (tmp_path / ".cache" / "mobile-export").iterdir()] == ["uv-"]


def test_no_uv_is_said_with_what_to_do(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "python3.12", "exit 1")
    done = run(tmp_path, "uv", "venv", "x", PYTHON="python3.12")
    assert done.returncode == 1
    assert "make INSTALLER=pip" in done.stderr
