"""The README tells the truth: every command, every target setting, and every file that it links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from exporter.cli.main import COMMANDS
from exporter.formats.registry import all_formats

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every settings type that an annotation leads to, fields of fields included."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for inner in getattr(annotation, "__args__", ()):
        yield from models(inner)


SETTINGS = list(dict.fromkeys(found for form in all_formats() for found in models(form.target_type)))


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_stands_in_the_readme(name: str) -> None:
    assert re.search(rf"^\| `{name}[ `]", README, flags=re.MULTILINE)


@pytest.mark.parametrize("model", SETTINGS, ids=lambda model: model.__name__)
def test_every_setting_stands_in_the_readme(model: type[BaseModel]) -> None:
    missing = [name for name in model.model_fields if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", README)]
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
