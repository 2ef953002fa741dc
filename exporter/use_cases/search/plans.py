"""Plans of variants that leave no choice of storages."""

from collections.abc import Callable, Mapping
from typing import Any

from exporter.data.facts.points import Plan
from exporter.data.settings.target import Target
from exporter.formats.variants import Variant

KeyOf = Callable[[str], str]
"""The key of a point, from its settings."""


def knobs_plan(target: Target, variant: Variant, settings: str, knobs: Mapping[str, Any], key_of: KeyOf) -> Plan:
    """A plan that is its knobs.

    Args:
        settings: TOML of target and recipe.
    """
    return Plan(
        key=key_of(settings),
        target=target.name,
        variant=variant.name,
        role="knobs",
        why=variant.says + _with_knobs(knobs),
        settings=settings,
        knobs=dict(knobs),
    )


def _with_knobs(knobs: Mapping[str, Any]) -> str:
    named = [key if value is True else f"{key} {value}" for key, value in knobs.items() if value is not False]
    return f", with {', '.join(named).replace('_', ' ')}" if named else ""
