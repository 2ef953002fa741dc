"""Checks target tables: every error at once, each with its dotted path, unknown keys with the nearest known one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from exporter.errors import UsageProblem
from exporter.targets.files import extended, target_tables
from exporter.targets.problems import did_you_mean, sentences
from exporter.targets.settings import CoremlTarget, Target, TfliteTarget

_ADAPTER: TypeAdapter[Target] = TypeAdapter(Target)
_TYPES: dict[str, type[BaseModel]] = {"coreml": CoremlTarget, "tflite": TfliteTarget}
_TAGS = (*_TYPES, "linear", "palettization")


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
        return sentences(f"targets.{name}", error, [kind] if kind else list(_TYPES.values()), tags=_TAGS)


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
    hint = did_you_mean(name, tables, otherwise="`mobile-export targets list` shows those there are.", cutoff=0.5)
    return f"there is no target {name!r}; {hint}"
