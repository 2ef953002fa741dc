"""What the documents for contributors name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/ARCHITECTURE.md"])
def test_paths_that_a_document_names_exist(document: str) -> None:
    """Protects the map from the next move; what a build makes is not looked for."""
    named = {path for path in PATH.findall((ROOT / document).read_text()) if not path.startswith((".venv/", "build/"))}
    named = {path for path in named if "NAME" not in path and path != "conversion/"}
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_the_map_has_every_folder_of_the_program() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    folders = {path.parent.name for path in (ROOT / "exporter").glob("*/__init__.py")}
    assert {name for name in folders if f"`exporter/{name}/" not in text} == set()
