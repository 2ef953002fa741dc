"""Settings of a point, as tables of a targets file: what is tried is what `run` does with the same tables."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from exporter.data.facts.storage import Storage
from exporter.data.settings.recipe import Recipe
from exporter.data.settings.target import Target
from exporter.execution.heavy import load
from exporter.formats.variants import names_pattern

FLOATS = ("float16", "float32")
Table = dict[str, Any]

INTEGER: tuple[Table, ...] = (
    {"observer": "histogram", "equalize": False, "rounding": "nearest", "bias_correction": True},
    {"observer": "min_max", "equalize": False, "rounding": "gptq", "bias_correction": False},
)
"""Settings of int8 activations that usually do well."""


def weights_recipe(storages: Mapping[str, Storage], knobs: Mapping[str, Any], description: str) -> Table | None:
    """One step that gives every layer its storage; None where all stay in floating point.

    Args:
        storages: by layer.
        knobs: further settings of the step.
        description: of the recipe.
    """
    stored = {layer: one for layer, one in storages.items() if one.form not in FLOATS}
    if not stored:
        return None
    usual = Counter(stored.values()).most_common(1)[0][0]
    rules: list[Table] = []
    floating = [layer for layer in storages if layer not in stored]
    if floating:
        rules.append({"name": names_pattern(floating), "apply": False})
    for storage in dict.fromkeys(one for one in stored.values() if one != usual):
        layers = [layer for layer, one in stored.items() if one == storage]
        rules.append({"name": names_pattern(layers), **_options(storage)})
    step = {"method": "mixed_precision", **_options(usual), "min_elements": 0, **knobs, "rules": rules}
    return {"description": description, "steps": [step]}


def pruned_recipe(macs: float, epochs: int, last: Table, description: str) -> Table:
    """Channels removed, the rest taught by the original, then the step that stores weights.

    Args:
        macs: share of the multiply-accumulates that stays.
        epochs: of the recovery.
        last: step.
        description: of the recipe.
    """
    training = {"epochs": epochs, "optimizer": "AdamW", "optimizer_options": {}, "learning_rate": 0.001}
    training |= {"warmup_epochs": min(1.0, epochs / 10), "clip_gradient": 1.0}
    pruning = {"method": "channel_pruning", "macs": macs, "scope": "global", "max_ratio": 0.75}
    return {"description": description, "steps": [pruning, {"method": "recovery", "training": training}, last]}


def stored(storage: Storage, knobs: Mapping[str, Any]) -> Table:
    """The step that stores every weight alike."""
    return {"method": "mixed_precision", **_options(storage), **knobs}


def integer_recipe(knobs: Mapping[str, Any], description: str) -> Table:
    """One step that quantizes weights and activations on calibration data."""
    return {"description": description, "steps": [{"method": "static_quantization", **knobs}]}


def islands_recipe(storages: Mapping[str, Storage], knobs: Mapping[str, Any], description: str) -> Table:
    """As `integer_recipe`; layers whose storage is a float keep theirs."""
    floating = [layer for layer, one in storages.items() if one.form in FLOATS]
    rules = {"rules": [{"name": names_pattern(floating), "apply": False}]} if floating else {}
    return integer_recipe({**knobs, **rules}, description)


def recipe_table(recipe: Recipe) -> Table:
    """What a recipe says beside its defaults."""
    steps = [
        {"method": step.method, **step.model_dump(mode="json", exclude_defaults=True, exclude_none=True)}
        for step in recipe.steps
    ]
    rest = recipe.model_dump(mode="json", exclude_defaults=True, exclude_none=True, exclude={"name", "steps"})
    return {**rest, "steps": steps}


def tables_text(name: str, target: Target, recipe: Table | None) -> str:
    """TOML of ``[targets.NAME]`` and ``[recipes.NAME]``."""
    tomlkit = load("tomlkit")
    document: Table = {"targets": {name: target_table(target, name if recipe else None)}}
    if recipe is not None:
        document["recipes"] = {name: recipe}
    text: str = tomlkit.dumps(document)
    return text


def target_table(target: Target, recipe: str | None) -> Table:
    """What a target says beside its defaults."""
    table = target.model_dump(mode="json", exclude_defaults=True, exclude_none=True, exclude={"name", "recipe"})
    return table if recipe is None else {**table, "recipe": recipe}


def _options(storage: Storage) -> Table:
    options = {
        "form": storage.form,
        "bits": storage.bits,
        "granularity": storage.granularity,
        "group_size": storage.group_size,
        "block_size": storage.block_size,
    }
    return {key: value for key, value in options.items() if value is not None}
