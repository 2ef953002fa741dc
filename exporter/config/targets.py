"""Checks target tables: every error at once, each with its dotted path, unknown keys with the nearest known one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from exporter.config.files import inherited, lineage, merged, no_such_target, target_tables
from exporter.config.problems import sentences
from exporter.data.errors import UsageProblem
from exporter.data.settings.target import Target
from exporter.data.spelling import nearest
from exporter.formats.registry import all_formats, format_named


@cache
def _types() -> dict[str, type[Target]]:
    return {form.name: form.target_type for form in all_formats()}


@cache
def _adapter() -> TypeAdapter[Target]:
    """Reads a table by the target type of its format."""
    union = reduce(or_, _types().values())
    return TypeAdapter(Annotated[union, Field(discriminator="format")])  # type: ignore[arg-type]  # made of a table


@cache
def _tags() -> tuple[str, ...]:
    """Names by which settings choose a type, as they stand in the places that errors tell."""
    return tuple(_discriminators(_adapter().json_schema()))


def _discriminators(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("discriminator", {}).get("mapping", ())
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for part in inner:
        yield from _discriminators(part)


def load_targets(
    names: Iterable[str] = (), *, user_file: Path | None = None, routes: Sequence[str] = ()
) -> list[Target]:
    """The named targets, or all of them, in the order asked for.

    Args:
        routes: the only ways from the source that may be taken, by the targets whose formats know them.

    Raises:
        UsageProblem: an unknown name, settings with errors (all of them in one message), or a route of no target.
    """
    tables = target_tables(user_file)
    wanted = list(dict.fromkeys(names)) or list(tables)
    unknown = [name for name in wanted if name not in tables]
    if unknown:
        raise UsageProblem("\n".join(no_such_target(name, tables) for name in unknown))
    targets, problems = [], []
    for name in wanted:
        found = check_table(name, tables)
        if isinstance(found, list):
            problems += found
        else:
            targets.append(found)
    if problems:
        raise UsageProblem("the targets have errors:\n" + "\n".join(f"  {problem}" for problem in problems))
    return _routed(targets, routes)


def _routed(targets: Sequence[Target], routes: Sequence[str]) -> list[Target]:
    """Each target with that of `routes` which its format knows."""
    known = {target.name: format_named(target.format).routes for target in targets}
    for route in routes:
        if not any(route in names for names in known.values()):
            words = "\n".join(f"  {name}: {', '.join(names)}" for name, names in known.items())
            raise UsageProblem(f"--route {route} is a way to none of the targets. Their routes are\n{words}")
    return [_with_route(target, [route for route in routes if route in known[target.name]]) for target in targets]


def _with_route(target: Target, routes: Sequence[str]) -> Target:
    if len(routes) > 1:
        raise UsageProblem(f"target {target.name} can take one route; --route gives it {' and '.join(routes)}.")
    return target.model_copy(update={"route": routes[0]}) if routes else target


def check_table(name: str, tables: dict[str, dict[str, Any]]) -> Target | list[str]:
    """The target called `name`, or what is wrong with its table: all of it, also when `extends` is wrong."""
    line = lineage(tables, name)
    table = merged(tables, line.names)
    origins = inherited(tables, line.names)
    if line.problem is not None:
        near = nearest(str(tables[line.names[-1]]["extends"]), tables, cutoff=0.5)
        likely = None if near is None else merged(tables, lineage(tables, near).names).get("format")
        return [line.problem, *_own_problems(name, table, table.get("format", likely), origins)]
    found = _checked(name, table)
    if not isinstance(found, ValidationError):
        return found
    kind = _types().get(str(table.get("format")))
    kinds = [kind] if kind else list(_types().values())
    return sentences(f"targets.{name}", found, kinds, tags=_tags(), inherited=origins)


def _checked(name: str, table: dict[str, Any]) -> Target | ValidationError:
    try:
        return _adapter().validate_python({"name": name, **table})
    except ValidationError as error:
        return error


def _own_problems(
    name: str, table: dict[str, Any], likely: object, origins: Mapping[tuple[str, ...], str]
) -> list[str]:
    """What is wrong with a table whatever it extends: in its `likely` format, or else in that which fits it best.

    What a parent would say is not missed, and what only contradicts a parent's settings is not judged.
    """
    found = []
    for kind in [likely] if isinstance(likely, str) and likely in _types() else _types():
        newest = format_named(kind).newest_os
        error = _checked(name, {"minimum_os": newest, **table, "format": kind})
        lines = []
        if isinstance(error, ValidationError):
            prefix, kinds = f"targets.{name}", [_types()[kind]]
            lines = sentences(prefix, error, kinds, tags=_tags(), inherited=origins, whole=False)
        found.append(lines)
    return min(found, key=len)
