"""The README tells the truth: every command, every target setting, and every file that it links."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from exporter.cli.main import COMMANDS
from exporter.data.target import Budgets, Tolerances
from exporter.formats.coreml import settings as coreml
from exporter.formats.tflite import settings as tflite

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = [
    Tolerances, Budgets, tflite.TfliteTarget, tflite.TfliteQuantization, tflite.TfliteRule, coreml.CoremlTarget,
    coreml.CoremlQuantization, coreml.LinearWeights, coreml.PalettizedWeights, coreml.Sparsity, coreml.Activations,
    coreml.CoremlRule,
]  # fmt: skip


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_stands_in_the_readme(name: str) -> None:
    assert re.search(rf"^\| `{name}[ `]", README, flags=re.MULTILINE)


@pytest.mark.parametrize("model", SETTINGS, ids=lambda model: model.__name__)
def test_every_setting_stands_in_the_readme(model: type[BaseModel]) -> None:
    missing = [name for name in model.model_fields if not re.search(rf"\b{name}\b", README)]
    assert missing == []


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_every_toml_example_is_well_formed(tmp_path: Path) -> None:
    from exporter.config.model import model_settings
    from exporter.config.targets import load_targets

    for number, example in enumerate(re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)):
        path = tmp_path / f"{number}.toml"
        path.write_text(example)
        load_targets(user_file=path)
        model_settings(path, {})
