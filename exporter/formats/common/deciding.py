"""Which settings of a target decide its artifact's bytes."""

from typing import Any

from exporter.data.settings.target import Target

NOT_IN_ARTIFACTS = frozenset({"name", "description", "tolerances", "budgets", "device", "minimum_os", "recipe"})
"""Settings that decide no byte of an artifact; of a recipe what it made counts, of the system what its format says."""


def settings_that_decide(target: Target) -> dict[str, Any]:
    """All settings but those that are known not to matter: a new one is here until somebody says otherwise."""
    return target.model_dump(mode="json", exclude=set(NOT_IN_ARTIFACTS))
