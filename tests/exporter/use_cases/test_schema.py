"""Published schemas say what the program itself accepts and writes."""

import json
import math
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from exporter.cli.commands.schema import DOCUMENTS as ON_THE_COMMAND_LINE
from exporter.config.files import presets_file, read_toml
from exporter.store.runs import load_record
from exporter.use_cases.schema import DOCUMENTS, schema_text
from tests.conftest import RunCommand

RECORDS = Path(__file__).resolve().parents[2] / "data" / "records"
TARGETS = """
[model]
mean = 0.5
std = [0.25, 0.25, 0.25]
inputs = [{ name = "image", shape = [1, 3, 16, 16] }]
labels = "labels.txt"

[targets.mine]
extends = "pixel-8"
budgets.latency_p90 = "10 ms"

[recipes.sparse]
[[recipes.sparse.steps]]
method = "magnitude_pruning"
sparsity = 0.5
"""
BUDGETS = """
schema_version = 1
stores = ["app-store"]
[[budgets]]
metric = "download"
max = "5 MB"
growth = { percent = "1 %" }
[[waivers]]
subject = "*"
metric = "store.*"
reason = "a new voice"
author = "Ada"
expires = "2027-01-01"
"""


def schema(document: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(schema_text(document))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def refused(document: str, content: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(document))


def test_every_document_can_be_asked_for_by_name() -> None:
    assert set(ON_THE_COMMAND_LINE) == set(DOCUMENTS)


@pytest.mark.parametrize("name", ["with_profiles.json", "without_profiles.json"])
def test_records_satisfy_the_schema_of_run_json(name: str) -> None:
    """Also one with NaN among its figures."""
    record = load_record(RECORDS / name)
    content = json.loads(record.model_dump_json())
    jsonschema.validate(content, schema("run"))
    refused("run", {**content, "new": 1})
    refused("run", {**content, "duration_s": "long"})
    jsonschema.validate({**content, "duration_s": "NaN"}, schema("run"))
    assert not math.isnan(record.duration_s)


def test_the_shipped_targets_satisfy_the_schema_that_editors_get() -> None:
    jsonschema.validate(read_toml(presets_file()), schema("targets"))
    refused("targets", {"targets": {"x": {"format": "coreml", "quantisation": {}}}})


def test_every_table_of_a_targets_file_is_covered() -> None:
    """A recipe and a model's settings are checked as targets are; a mistyped root is no table that nobody reads."""
    content = tomllib.loads(TARGETS)
    jsonschema.validate(content, schema("targets"))
    refused("targets", {**content, "model": {"meen": 0.5}})
    refused("targets", {**content, "recipes": {"r": {"steps": [{"method": "magnitude_pruning", "sparsety": 0.5}]}}})
    refused("targets", {**content, "recipes": {"r": {}}})
    refused("targets", {"target": content["targets"]})


def test_budgets_and_plans() -> None:
    jsonschema.validate(tomllib.loads(BUDGETS), schema("budgets"))
    refused("budgets", {"budgets": []})
    refused("budgets", {"schema_version": 1, "budgets": [{"metric": "download", "max": 5}]})
    jsonschema.validate({"processes": 3, "min_s": 1.5}, schema("plan"))
    jsonschema.validate({"schema_version": 1, "battery_percent": [20, 90]}, schema("plan"))
    refused("plan", {"schema_version": 2})
    refused("plan", {"proceses": 3})
    jsonschema.validate({"schema_version": 1, "devices": {"R5CT1": {"labels": ["desk"]}}}, schema("inventory"))
    refused("inventory", {"schema_version": 1, "devices": {"R5CT1": {"label": ["desk"]}}})
    refused("inventory", {"devices": {}})


def test_the_command_prints_it_and_the_older_spelling_too(mobile_export: RunCommand) -> None:
    done = mobile_export("schema", "targets")
    assert done.returncode == 0, done.stderr
    assert done.stdout == schema_text("targets")
    assert mobile_export("targets", "schema").stdout == done.stdout
    assert mobile_export("schema", "nothing").returncode == 2
