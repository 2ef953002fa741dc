"""Every library that the code imports is declared: protects users from one that only came along with another."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
OWN = ("mobile_export", "exporter", "profilers", "device_harness")
NAMES = {"google": ["protobuf"]}  # several distributions share the package


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level names of what a module imports, also late, also by `heavy.load`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "load" and node.args:
            yield from (str(name.value) for name in node.args[:1] if isinstance(name, ast.Constant))


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for name, lines in extras.items() if name != "dev" for line in lines)]
    return {normalized(re.split(r"[=<>\[ ;]", line)[0]) for line in lines}


def normalized(distribution: str) -> str:
    """A name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_every_imported_library_is_declared() -> None:
    files = [path for package in OWN for path in (ROOT / package).rglob("*.py")]
    names = {name.partition(".")[0] for path in files for name in imported(ast.parse(path.read_text()))}
    known = importlib.metadata.packages_distributions()
    # `_typeshed` is of type checkers, and there is nothing to install.
    libraries = names - {*sys.stdlib_module_names, *OWN, "", "_typeshed"}
    homes = {name: {normalized(home) for home in NAMES.get(name, known.get(name, [name]))} for name in libraries}
    assert {name: home for name, home in homes.items() if not home & declared()} == {}


def test_types_are_published() -> None:
    """Type checkers of users look at annotations only where a package says that it has them."""
    assert all((ROOT / package / "py.typed").exists() for package in OWN)
