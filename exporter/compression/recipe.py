"""Reads recipes: steps of the types that the table of methods has, every error with its path. No torch here."""

import functools
import operator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, create_model

from exporter.compression.registry import METHODS, step_type
from exporter.config.files import read_toml, tables
from exporter.config.problems import checked
from exporter.data.errors import UsageProblem
from exporter.data.settings.recipe import Recipe
from exporter.data.spelling import did_you_mean


@functools.cache
def recipe_type() -> type[Recipe]:
    """`Recipe` with steps of every method; its JSON Schema is that of a ``[recipes.NAME]`` table."""
    union: Any = functools.reduce(operator.or_, map(step_type, METHODS))
    step = Annotated[union, Field(discriminator="method")]
    made: type[Recipe] = create_model("Recipe", __base__=Recipe, __doc__=Recipe.__doc__, steps=(tuple[step, ...], ...))
    return made


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
    return checked(
        recipe_type(), {"name": name, **table}, whole="the recipe has", prefix=f"recipes.{name}", tags=METHODS
    )


def _from_file(path: Path) -> Recipe:
    document = read_toml(path)
    inner = document.get("recipes")
    if inner is None:
        return parse_recipe(path.stem, document)
    if not isinstance(inner, dict) or len(inner) != 1:
        raise UsageProblem(f"{path} must hold one recipe: steps at the top, or a single [recipes.NAME] table.")
    ((name, table),) = inner.items()
    return parse_recipe(name, table)
