"""The import graph has no circle, counting imports inside functions and those for type checkers alone.

A circle that a late import hides is still one: neither half can be understood, tested or moved without the other.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("mobile_export", "exporter", "profilers", "device_harness")


def modules() -> dict[str, Path]:
    """Every module by its dotted name."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files]
    return dict(zip(names, files, strict=True))


def imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of this repository that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            found = name if name in known else name.rpartition(".")[0]
            if found in known:
                yield found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The nodes of one circle of `graph`; none where it has none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_a_detour() -> None:
    known = modules()
    graph = {name: {found for found in imports(path, known) if found != name} for name, path in known.items()}
    assert circle(graph) == []
    assert len(graph) > 300


def test_no_package_imports_itself_by_a_detour() -> None:
    known = modules()
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        graph.setdefault(package(name), set()).update(map(package, imports(path, known)))
    assert circle({name: others - {name, "exporter"} for name, others in graph.items()}) == []


def package(module: str) -> str:
    """The package inside `exporter`, or one of the others."""
    return ".".join(module.split(".")[: 2 if module.startswith("exporter.") else 1])
