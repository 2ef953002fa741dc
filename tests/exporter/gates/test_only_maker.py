"""Verdicts are made in one place: whoever looks for the rule that failed a build finds it in `exporter/gates`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import exporter

ROOT = Path(exporter.__file__).parents[1]
HOMES = ("exporter.gates", "exporter.data.verdict")
ABOVE = ("exporter.report", "exporter.use_cases", "exporter.cli", "exporter.formats")
MAKERS = {"Verdict", "judge", "not_checked", "judge_bytes", "missing"}
GATES = ROOT / "exporter" / "gates"


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in ("mobile_export", "exporter", "profilers", "device_harness"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def makers_imported(tree: ast.Module) -> set[str]:
    """Local names of what makes verdicts in a module."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(HOMES)
        for alias in node.names
        if alias.name in MAKERS
    }


def calls(tree: ast.Module, names: set[str]) -> Iterator[int]:
    """Lines that call one of `names`, or a validator of `Verdict`, which makes one as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            whole = called.value if isinstance(called, ast.Attribute) else called
            if isinstance(whole, ast.Name) and whole.id in names:
                yield node.lineno


def test_nothing_outside_gates_makes_a_verdict() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path, tree in modules()
        if not path.is_relative_to(GATES)
        for line in calls(tree, makers_imported(tree))
    ]
    assert not found


def test_a_maker_would_be_found() -> None:
    """The test above is blind to nothing that it looks for."""
    imports = "from exporter.gates.judge import judge as j\nfrom exporter.data.verdict import Verdict\n"
    tree = ast.parse(imports + "j(1)\nVerdict.model_construct()")
    assert list(calls(tree, makers_imported(tree))) == [3, 4]


def test_gates_know_no_report_and_no_use_case() -> None:
    """A gate takes facts: what shows verdicts, and what gathers facts, may change without it."""
    found = [
        f"{path.name}: {node.module}"
        for path, tree in modules()
        if path.is_relative_to(GATES)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(
            ("exporter.report", "exporter.use_cases", "exporter.cli", "exporter.formats")
        )
    ]
    assert not found
