"""docs/budgets.md: its files are read, and every option in it exists."""

import re
from pathlib import Path

import click
import pytest

from exporter.cli.commands.budget import command as budget
from exporter.cli.commands.compare import command as compare
from exporter.config.budgets import load_budgets
from exporter.report.renderer import names_for
from exporter.sizes.stores import load_rules

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "budgets.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)


def options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def test_the_files_in_it_are_valid(tmp_path: Path) -> None:
    """People copy them."""
    rules, budgets = blocks("toml")
    (tmp_path / "rules.toml").write_text(rules)
    (tmp_path / "budgets.toml").write_text(budgets)
    assert any(rule.id == "our-store.apk" for rule in load_rules(tmp_path / "rules.toml"))
    assert len(load_budgets(tmp_path / "budgets.toml").budgets) == 2


def test_every_option_in_it_exists() -> None:
    """An option that was renamed would break a user's CI, not ours."""
    code = "\n".join([*re.findall(r"```\w+\n(.*?)```", TEXT, re.S), *re.findall(r"`([^`\n]+)`", TEXT)])
    used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", code))
    assert used <= options(budget) | options(compare)
    assert {"--store", "--baseline", "--max-growth", "--report"} <= used


@pytest.mark.parametrize("form", names_for("budget"))
def test_every_format_is_named(form: str) -> None:
    """A format that nobody finds is not there."""
    assert form in TEXT


@pytest.mark.parametrize(
    "system", ["GitHub Actions", "GitLab CI", "fastlane", "Bitrise", "Gradle", "Xcode build phase"]
)
def test_every_ci_system_has_an_example(system: str) -> None:
    """Copy and paste."""
    assert re.search(rf"### {system}\n(?:.*\n)+?```\w+\n[^`]*mobile-export", TEXT)
