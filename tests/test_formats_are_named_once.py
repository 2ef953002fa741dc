"""A format is named in its own folder and in the table: whatever else asks, asks the table."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.formats.registry import all_formats, names

ROOT = Path(__file__).resolve().parents[1] / "exporter"
TABLE = "formats/registry.py"
WORDS = {
    "coreml": ("coreml", "mlpackage", "mlmodel"),
    "tflite": ("tflite", "litert(?!lm)"),
    "onnx": ("OnnxTarget", r"\.onnx"),
}
SOURCES = {"onnx": ("data/source.py", "sources/", "formats/common/tracing/", "formats/tflite/")}
"""ONNX is also a form of sources, and what other formats are made by way of."""
PARSERS = "profilers.parse."
"""Modules there are called after the tools whose output they read."""


def mentions(path: Path) -> Iterator[str]:
    """Identifiers, and texts that are no documentation."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value
        for field in ("id", "attr", "name", "asname", "module", "arg"):
            if isinstance(value := getattr(node, field, None), str):
                yield value


@pytest.mark.parametrize("name", names())
def test_no_module_outside_its_folder_names_a_format(name: str) -> None:
    """Protects the next format: what asks for one by name has to be edited for each new one."""
    pattern = re.compile("|".join(WORDS.get(name, (name,))), re.IGNORECASE)
    allowed = (TABLE, f"formats/{name}/", *SOURCES.get(name, ()))
    found = {
        f"{path.relative_to(ROOT)}: {said}"
        for path in ROOT.rglob("*.py")
        if not str(path.relative_to(ROOT)).startswith(allowed)
        for said in mentions(path)
        if pattern.search(said) and not said.startswith(PARSERS)
    }
    assert not found, "\n".join(sorted(found))


def test_every_format_is_in_the_list_of_words() -> None:
    assert {form.name for form in all_formats()} <= set(WORDS)
