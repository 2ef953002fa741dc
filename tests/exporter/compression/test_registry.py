"""The table of methods is light, and complete where it is told to people."""

import subprocess
import sys
from pathlib import Path

import pytest

from exporter.compression.recipe import recipe_type
from exporter.compression.registry import METHODS

READING = """
import sys
from exporter.compression.recipe import parse_recipe, recipe_type
recipe_type().model_json_schema()
parse_recipe("r", {"steps": [{"method": "low_rank", "rank": 2}, {"method": "static_quantization"}]})
print([name for name in ("torch", "torch_pruning", "sklearn") if name in sys.modules])
"""


def test_reading_every_kind_of_recipe_loads_no_torch() -> None:
    """Protects second runs and light installs: a recipe is data, whatever carries it out."""
    done = subprocess.run([sys.executable, "-c", READING], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_schema_of_a_recipe_knows_each_method_by_its_name() -> None:
    """Protects editors that check `[recipes]` by the published schema."""
    schema = recipe_type().model_json_schema()
    assert set(schema["properties"]["steps"]["items"]["discriminator"]["mapping"]) == set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_each_method_stands_in_its_guide(name: str) -> None:
    """Protects readers of docs/compression.md."""
    assert f"`{name}`" in Path("docs/compression.md").read_text(encoding="utf-8")
