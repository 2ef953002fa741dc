"""Recipe: an ordered list of compression steps, as frozen data. No torch here.

Each step names a method, its options, and rules that say which layers it is for. The rules are read in order; of two
that match a layer and set the same thing, the later wins.
"""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from exporter.config.files import read_toml
from exporter.config.problems import sentences
from exporter.config.spelling import did_you_mean
from exporter.data.errors import UsageProblem
from exporter.data.recipe.base import (
    BitsRule,
    ChannelRule,
    Distillation,
    FineTuning,
    LayerRule,
    PruningRule,
    Recovery,
    Step,
    Training,
)
from exporter.data.recipe.structure import BlockRemoval, ChannelPruning, LowRank
from exporter.data.recipe.weights import (
    Binarization,
    BlockPruning,
    DynamicQuantization,
    Float16,
    MagnitudePruning,
    NmPruning,
    QuantizationAwareTraining,
    StaticQuantization,
    WeightQuantization,
    WeightSharing,
)
from exporter.data.target import Settings

__all__ = [
    "METHODS",
    "STEP_TYPES",
    "AnyStep",
    "Binarization",
    "BitsRule",
    "BlockPruning",
    "BlockRemoval",
    "ChannelPruning",
    "ChannelRule",
    "Distillation",
    "DynamicQuantization",
    "FineTuning",
    "Float16",
    "LayerRule",
    "LowRank",
    "MagnitudePruning",
    "NmPruning",
    "PruningRule",
    "QuantizationAwareTraining",
    "Recipe",
    "Recovery",
    "StaticQuantization",
    "Step",
    "Training",
    "WeightQuantization",
    "WeightSharing",
    "load_recipe",
    "parse_recipe",
]

STEP_TYPES: tuple[type[Step], ...] = (
    FineTuning, Recovery, Distillation, ChannelPruning, BlockRemoval, LowRank, MagnitudePruning, NmPruning,
    BlockPruning, WeightSharing, Binarization, Float16, WeightQuantization, DynamicQuantization, StaticQuantization,
    QuantizationAwareTraining,
)  # fmt: skip
AnyStep = Annotated[
    FineTuning | Recovery | Distillation | ChannelPruning | BlockRemoval | LowRank | MagnitudePruning | NmPruning
    | BlockPruning | WeightSharing | Binarization | Float16 | WeightQuantization | DynamicQuantization
    | StaticQuantization | QuantizationAwareTraining,
    Field(discriminator="method"),
]  # fmt: skip
METHODS = tuple(str(kind.model_fields["method"].default) for kind in STEP_TYPES)


class Recipe(Settings):
    """Steps in the order in which they are applied.

    Attributes:
        name: how targets and commands refer to it.
        description: one sentence for people.
        seed: of every random choice.
        steps: at least one.
    """

    name: str
    description: str = ""
    seed: int = 0
    steps: tuple[AnyStep, ...]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.steps:
            raise ValueError("steps is empty: add [[steps]] tables, each with a method")
        latest, where = -1, 0
        for index, step in enumerate(self.steps):
            stage = step.order()
            if stage is None:
                continue
            if stage < latest:
                raise ValueError(
                    f"steps.{index} ({step.method}) must come before steps.{where} ({self.steps[where].method}): "
                    "structure first, then zeros, then tables, then integer grids; each would undo the next one's work"
                )
            latest, where = stage, index
        return self


_ADAPTER = TypeAdapter(Recipe)


def load_recipe(spec: str, *, targets_file: Path | None = None) -> Recipe:
    """The recipe that `spec` names: one of the targets files' ``[recipes.NAME]``, or a TOML file.

    A file holds either the recipe itself or one ``[recipes.NAME]`` table.

    Args:
        spec: a name or a path that ends in ``.toml``.
        targets_file: the file given with ``--targets``; None takes the current folder's.

    Raises:
        UsageProblem: no such recipe, or settings with errors (all of them in one message).
    """
    if spec.endswith(".toml"):
        return _from_file(Path(spec))
    from exporter.config.files import tables

    found = tables("recipes", targets_file)
    if spec not in found:
        otherwise = f"there are {', '.join(found)}." if found else "no targets file has [recipes.NAME] tables."
        raise UsageProblem(f"there is no recipe {spec!r}; {did_you_mean(spec, found, otherwise=otherwise)}")
    return parse_recipe(spec, found[spec])


def parse_recipe(name: str, table: dict[str, Any]) -> Recipe:
    """Check a recipe's table.

    Raises:
        UsageProblem: with every error, each with its dotted path.
    """
    try:
        return _ADAPTER.validate_python({"name": name, **table})
    except ValidationError as error:
        problems = sentences(f"recipes.{name}", error, [Recipe, *STEP_TYPES], tags=METHODS)
        raise UsageProblem("the recipe has errors:\n" + "\n".join(f"  {problem}" for problem in problems)) from error


def _from_file(path: Path) -> Recipe:
    document = read_toml(path)
    inner = document.get("recipes")
    if inner is None:
        return parse_recipe(path.stem, document)
    if not isinstance(inner, dict) or len(inner) != 1:
        raise UsageProblem(f"{path} must hold one recipe: steps at the top, or a single [recipes.NAME] table.")
    ((name, table),) = inner.items()
    return parse_recipe(name, table)
