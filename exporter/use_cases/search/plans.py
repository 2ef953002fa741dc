"""Plans that leave no choice of storages."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from exporter.data.facts.points import Plan
from exporter.data.settings.recipe import Recipe
from exporter.data.settings.target import Target
from exporter.formats.variants import Variant
from exporter.search.recipes import recipe_table, tables_text

KeyOf = Callable[[str], str]
"""The key of a point, from its settings."""

OWN: Final = "own"
"""The variant, and the role, of a target's own settings."""


def knobs_plan(
    target: Target, variant: Variant, settings: str, knobs: Mapping[str, Any], key_of: KeyOf, name: str | None = None
) -> Plan:
    """A plan that is its knobs.

    Args:
        settings: TOML of target and recipe.
        name: of what the knobs belong to; None where that is the variant.
    """
    return Plan(
        key=key_of(settings),
        target=target.name,
        variant=name or variant.name,
        role="knobs",
        why=variant.says + _with_knobs(knobs),
        settings=settings,
        knobs=dict(knobs),
    )


def own_plan(target: Target, recipe: Recipe | None, key_of: KeyOf) -> Plan:
    """What the target asks for as it stands: the first answer, and what every other is held against.

    Args:
        recipe: that the target names.
    """
    settings = tables_text(target.name, target, None if recipe is None else recipe_table(recipe))
    return Plan(
        key=key_of(settings),
        target=target.name,
        variant=OWN,
        role=OWN,
        why="the target's own settings",
        settings=settings,
    )


def _with_knobs(knobs: Mapping[str, Any]) -> str:
    named = [key if value is True else f"{key} {value}" for key, value in knobs.items() if value is not False]
    return f", with {', '.join(named).replace('_', ' ')}" if named else ""
