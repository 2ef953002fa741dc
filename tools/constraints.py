"""Writes and checks `constraints/`, the pinned versions that `make` installs, one file a Python version.

    python tools/constraints.py write [--upgrade]   resolve with uv; without --upgrade, versions stay where they can
    python tools/constraints.py check               whether the files were made from pyproject.toml as it stands

The files name versions alone, no address, so that any index serves. `check` compares a digest of pyproject.toml's
dependencies with the one that each file carries: it needs no network, and no new release of anything makes it fail.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.12", "3.13")
"""Of Python, those that every converter has wheels for."""


def digest(pyproject: str) -> str:
    """SHA-256 of everything in `pyproject` that decides what is installed."""
    project = tomllib.loads(pyproject)["project"]
    tables = [project.get(name) for name in ("requires-python", "dependencies", "optional-dependencies")]
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()


def header(version: str, pyproject: str) -> str:
    """The first lines of a file."""
    return (
        f"# What goes together on Python {version}, on every platform; made by `make constraints`.\n"
        f"# From the dependencies in pyproject.toml, SHA-256 {digest(pyproject)}\n"
    )


def stale(root: Path) -> list[Path]:
    """Files that are missing, or were not made from the dependencies that pyproject.toml states now."""
    pyproject = (root / "pyproject.toml").read_text()
    wanted = {root / "constraints" / f"{version}.txt": header(version, pyproject) for version in VERSIONS}
    return [path for path, start in wanted.items() if not path.exists() or not path.read_text().startswith(start)]


def write(root: Path, options: Sequence[str]) -> None:
    """Resolve the dependencies for each Python and write its file, with `options` for uv."""
    for version in VERSIONS:
        path = root / "constraints" / f"{version}.txt"
        text = _resolved(root, version, path.read_text() if path.exists() else "", options)
        path.parent.mkdir(exist_ok=True)
        path.write_text(header(version, (root / "pyproject.toml").read_text()) + text)


def _resolved(root: Path, version: str, known: str, options: Sequence[str]) -> str:
    """What uv answers; versions in `known` are preferred, as uv does with those in its output file."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "constraints.txt"
        output.write_text(known)
        form = ("--universal", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links")
        command = ["tools/uv", "pip", "compile", "--quiet", "pyproject.toml", "--all-extras", *form]
        command += ["--python-version", version, "--output-file", str(output), *options]
        subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
        return output.read_text()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 where `check` finds a stale file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    chosen = parser.parse_args(arguments)
    if chosen.action == "write":
        write(ROOT, ["--upgrade"] if chosen.upgrade else [])
    found = stale(ROOT)
    for path in found:
        print(f"{path.relative_to(ROOT)} is stale: pyproject.toml's dependencies changed. Run: make constraints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
