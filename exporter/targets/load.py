"""Checks target tables: every error at once, each with its dotted path, unknown keys with the nearest known one."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from exporter.errors import UsageProblem
from exporter.targets.files import extended, target_tables
from exporter.targets.settings import CoremlTarget, Target, TfliteTarget

_ADAPTER: TypeAdapter[Target] = TypeAdapter(Target)
_TYPES: dict[str, type[BaseModel]] = {"coreml": CoremlTarget, "tflite": TfliteTarget}


def load_targets(names: Iterable[str] = (), *, user_file: Path | None = None) -> list[Target]:
    """The named targets, or all of them, in the order asked for.

    Raises:
        UsageProblem: an unknown name, or settings with errors (all of them in one message).
    """
    tables = target_tables(user_file)
    wanted = list(dict.fromkeys(names)) or list(tables)
    unknown = [name for name in wanted if name not in tables]
    if unknown:
        raise UsageProblem("\n".join(_unknown_target(name, tables) for name in unknown))
    targets, problems = [], []
    for name in wanted:
        found = check_table(name, tables)
        if isinstance(found, list):
            problems += found
        else:
            targets.append(found)
    if problems:
        raise UsageProblem("the targets have errors:\n" + "\n".join(f"  {problem}" for problem in problems))
    return targets


def check_table(name: str, tables: dict[str, dict[str, Any]]) -> Target | list[str]:
    """The target called `name`, or what is wrong with its table."""
    try:
        table = extended(tables, name)
        return _ADAPTER.validate_python({"name": name, **table})
    except UsageProblem as error:
        return [str(error)]
    except ValidationError as error:
        kind = _TYPES.get(str(table.get("format")))
        return [_sentence(name, dict(item), kind) for item in error.errors()]


def settings_schema() -> dict[str, Any]:
    """JSON Schema of a targets file, for editors (``#:schema`` in Even Better TOML, or taplo)."""
    schema = _ADAPTER.json_schema(ref_template="#/$defs/{model}")
    definitions = schema.pop("$defs", {})
    for definition in ("CoremlTarget", "TfliteTarget"):
        properties = definitions[definition]["properties"]
        properties.pop("name")
        properties["extends"] = {"type": "string", "description": "name of the target to start from"}
        definitions[definition]["required"] = []
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mobile-export targets",
        "type": "object",
        "properties": {
            "targets": {
                "type": "object",
                "additionalProperties": {
                    "anyOf": [{"$ref": "#/$defs/CoremlTarget"}, {"$ref": "#/$defs/TfliteTarget"}],
                },
            }
        },
        "$defs": definitions,
    }


def _unknown_target(name: str, tables: dict[str, Any]) -> str:
    near = difflib.get_close_matches(name, tables, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "`mobile-export targets list` shows those there are."
    return f"there is no target {name!r}; {hint}"


def _sentence(name: str, error: dict[str, Any], kind: type[BaseModel] | None) -> str:
    location = [part for part in error["loc"] if part not in ("coreml", "tflite", "linear", "palettization")]
    path = ".".join(["targets", name, *map(str, location)])
    context = error.get("ctx", {}).get("error")
    message = str(context) if context else error["msg"]
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), _keys(kind, location[:-1]), n=1)
        message = "unknown setting" + (f"; did you mean {near[0]!r}?" if near else "")
    elif error["type"] == "union_tag_not_found":
        message = f"{error['ctx']['discriminator']} is missing"
    elif error["type"] == "union_tag_invalid":
        known = error["ctx"]["expected_tags"].replace("'", "")
        near = difflib.get_close_matches(str(error["ctx"]["tag"]), known.split(", "))
        message = f"{error['ctx']['tag']!r} is not one of {known}"
        message += f"; did you mean {near[0]!r}?" if near else ""
    elif error["type"] == "literal_error":
        message = f"{error['input']!r} is not one of {error['ctx']['expected']}"
    return f"{path}: {message}"


def _keys(model: type[BaseModel] | None, location: list[Any]) -> list[str]:
    """Setting names known at `location`: found by walking the models' fields."""
    models = [model] if model else list(_TYPES.values())
    for part in location:
        holders = [outer for outer in models if part in outer.model_fields]
        if holders:
            models = [inner for outer in holders for inner in _models(outer.model_fields[part].annotation)]
    return [field for found in models for field in found.model_fields if field != "name"]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner)]
