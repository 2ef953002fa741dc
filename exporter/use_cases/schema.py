"""JSON Schemas of the documents that this program reads and writes, generated from their types."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from exporter.compression.recipe import recipe_type
from exporter.config import inventory, plans
from exporter.config.budgets import BudgetFile
from exporter.config.inventory import Inventory
from exporter.data.results.history import HistoryDocument
from exporter.data.results.record import RunRecord
from exporter.formats.registry import all_formats
from exporter.tasks.registry import model_type
from profilers.plan import ProfilePlan

Schema = dict[str, Any]
_TEMPLATE = "#/$defs/{model}"
_NOT_FINITE = {"enum": ["NaN", "Infinity", "-Infinity"]}


class _AlsoNotFinite(GenerateJsonSchema):
    """Of documents that this program writes: what JSON has no number for is text."""

    def float_schema(self, schema: Any) -> Schema:
        """A number, or the name of what is none."""
        return {"anyOf": [super().float_schema(schema), _NOT_FINITE]}


def schema_text(document: str) -> str:
    """The JSON Schema of one of `DOCUMENTS`, as text."""
    schema = DOCUMENTS[document]()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def run_schema() -> Schema:
    """Of `run.json`."""
    return RunRecord.model_json_schema(mode="serialization", schema_generator=_AlsoNotFinite)


def history_schema() -> Schema:
    """Of what `history show -f json` and `history gate -f json` write."""
    return HistoryDocument.model_json_schema(mode="serialization", schema_generator=_AlsoNotFinite)


def targets_schema() -> Schema:
    """Of a targets file, for editors (``#:schema`` in Even Better TOML, or taplo): every table that it may hold."""
    targets = [form.target_type for form in all_formats()]
    kinds: list[type[BaseModel]] = [model_type(), recipe_type(), *targets]
    places, whole = models_json_schema([(kind, "validation") for kind in kinds], ref_template=_TEMPLATE)
    definitions = whole["$defs"]
    model, recipe, *formats = (places[kind, "validation"] for kind in kinds)
    _without_name(_defined(recipe, definitions), {"steps"})
    for form in formats:
        _without_name(_defined(form, definitions), set())
        _defined(form, definitions)["properties"]["extends"] = _EXTENDS
    return {
        "title": "mobile-export targets",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "model": model,
            "targets": {"type": "object", "additionalProperties": {"anyOf": formats}},
            "recipes": {"type": "object", "additionalProperties": recipe},
        },
        "$defs": definitions,
    }


_EXTENDS = {"type": "string", "description": "name of the target to start from"}


def _defined(place: Mapping[str, Any], definitions: Schema) -> Schema:
    """The definition that a reference stands for."""
    found: Schema = definitions[place["$ref"].rpartition("/")[2]]
    return found


def _without_name(definition: Schema, required: set[str]) -> None:
    """A table has its name in its heading; of the rest only `required` must be in it."""
    del definition["properties"]["name"]
    definition["required"] = sorted(required)


def budgets_schema() -> Schema:
    """Of a budgets file."""
    schema = BudgetFile.model_json_schema()
    return {**schema, "required": ["schema_version"]}


def plan_schema() -> Schema:
    """Of a profiling plan."""
    schema = ProfilePlan.model_json_schema()
    version = {"const": plans.SCHEMA_VERSION, "description": "of the plan's form; may be left out"}
    return {**schema, "properties": {"schema_version": version, **schema["properties"]}}


def inventory_schema() -> Schema:
    """Of a lab's inventory."""
    schema = Inventory.model_json_schema()
    version = {"const": inventory.SCHEMA_VERSION, "description": "of the inventory's form"}
    return {**schema, "properties": {"schema_version": version, **schema["properties"]}, "required": ["schema_version"]}


DOCUMENTS: Mapping[str, Callable[[], Schema]] = {
    "run": run_schema,
    "targets": targets_schema,
    "budgets": budgets_schema,
    "plan": plan_schema,
    "inventory": inventory_schema,
    "history": history_schema,
}
"""A document is one row."""
