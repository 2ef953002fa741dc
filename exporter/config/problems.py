"""Validation errors as sentences: the dotted path, what is wrong, and the nearest known name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from exporter.data.errors import UsageProblem
from exporter.data.spelling import did_you_mean

Model = TypeVar("Model", bound=BaseModel)


def checked(kind: type[Model], table: Any, *, whole: str, prefix: str = "", tags: Iterable[str] = ()) -> Model:
    """`table` as a `kind`.

    Args:
        kind: what it shall be.
        table: as a file holds it.
        whole: what it is, with its verb, for the head of the message: ``budgets.toml has``.
        prefix: dotted path of the table in its file.
        tags: as `sentences` takes them.

    Raises:
        UsageProblem: all errors in one message, one a line.
    """
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        lines = [f"  {line}" for line in sentences(prefix, error, [kind], tags=tags)]
        raise UsageProblem(f"{whole} errors:\n" + "\n".join(lines)) from error


def sentences(
    prefix: str,
    error: ValidationError,
    kinds: Sequence[type[BaseModel]],
    *,
    tags: Iterable[str] = (),
    inherited: Mapping[tuple[str, ...], str] | None = None,
    whole: bool = True,
) -> list[str]:
    """One sentence for each error of `error`.

    Args:
        prefix: dotted path of the table that was checked.
        error: what pydantic found.
        kinds: the types that the table may be; unknown keys are compared with their fields.
        tags: discriminator values, which pydantic puts into locations though they stand in no file.
        inherited: settings that stand in another table -> that table's name; sentences about them say so.
        whole: whether the table is complete; else what is missing, or contradicts what is missing, is no error.
    """
    hidden = set(tags)
    return [
        _sentence(prefix, dict(item), kinds, hidden) + _origin(dict(item), hidden, inherited or {})
        for item in error.errors()
        if whole or not (item["type"] == "missing" or (item["type"] == "value_error" and _is_table(item["input"])))
    ]


def _is_table(value: Any) -> bool:
    return isinstance(value, dict | BaseModel)


def _origin(error: dict[str, Any], hidden: set[str], inherited: Mapping[tuple[str, ...], str]) -> str:
    """Where the settings that an error is about come from, when they stand in another table."""
    here = tuple(str(part) for part in error["loc"] if part not in hidden)
    said = set(re.findall(r"\w+", str(error.get("ctx", {}).get("error", ""))))
    found = {
        path: where
        for path, where in inherited.items()
        if path == here[: len(path)] or (path[: len(here)] == here and path[-1] in said)
    }
    if not found:
        return ""
    names = ", ".join(f"`{'.'.join(path[len(here) :] or path[-1:])}`, from `{where}`" for path, where in found.items())
    return f" ({names})"


def _sentence(prefix: str, error: dict[str, Any], kinds: Sequence[type[BaseModel]], hidden: set[str]) -> str:
    location = [part for part in error["loc"] if part not in hidden]
    path = ".".join(filter(None, [prefix, *map(str, location)]))
    context = error.get("ctx", {}).get("error")
    message = str(context) if context else error["msg"]
    if error["type"] == "extra_forbidden":
        # The tags name the member of a union, so the full location finds the right type's fields.
        message = _with_hint("unknown setting", str(location[-1]), _keys(kinds, error["loc"][:-1]))
    elif error["type"] == "union_tag_not_found":
        message = f"{error['ctx']['discriminator']} is missing".replace("'", "")
    elif error["type"] == "union_tag_invalid":
        known = error["ctx"]["expected_tags"].replace("'", "")
        message = _with_hint(f"{error['ctx']['tag']!r} is not one of {known}", error["ctx"]["tag"], known.split(", "))
    elif error["type"] == "literal_error":
        message = f"{error['input']!r} is not one of {error['ctx']['expected']}"
    return f"{path}: {message}"


def _with_hint(message: str, name: str, known: Iterable[str]) -> str:
    hint = did_you_mean(str(name), known)
    return f"{message}; {hint}" if hint else message


def _keys(kinds: Sequence[type[BaseModel]], location: Sequence[Any]) -> list[str]:
    """Setting names known at `location`: found by walking the models' fields, and their tags where it names one."""
    models = list(kinds)
    for part in location:
        tagged = [model for model in models if part in _tags(model)]
        holders = [outer for outer in models if part in outer.model_fields]
        if holders:
            models = [inner for outer in holders for inner in _models(outer.model_fields[part].annotation)]
        elif tagged:
            models = tagged
    return [field for found in models for field in found.model_fields]


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    for key in ("method", "format", "kind"):
        field = model.model_fields.get(key)
        if field is not None:
            return tuple(value for value in getattr(field.annotation, "__args__", ()) if isinstance(value, str))
    return ()


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner)]
