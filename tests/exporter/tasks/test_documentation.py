"""docs/tasks.md: names every metric, limit and setting as the program does, and its tables can be copied."""

import re
import tomllib

import numpy as np
import pytest

from exporter.data.settings.target import TaskTolerances
from exporter.tasks.registry import settings_type, task_named
from tests.contracts.task import Case
from tests.exporter.tasks.cases import CASES
from tests.reference import TASKS_PAGE, tasks_page

TEXT = TASKS_PAGE.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)


def test_settings_are_those_of_the_types() -> None:
    assert tasks_page() == TEXT, "run python -m tests.reference"


@pytest.mark.parametrize("name", [name for name in CASES if name != "custom"])
def test_every_metric_is_in_its_tasks_rows(name: str) -> None:
    case: Case = CASES[name]()
    rows = TEXT[TEXT.index(f"| `{case.table['kind']}` | `") :]
    for against in ("labels", "source"):
        for metric in case.task.metrics(case.settings, against):
            way = "higher" if metric.higher_is_better else "lower"
            assert re.search(rf"^\| [^|]*\| `{metric.name}`[^|]*\|[^|]*\| {way} \| `{metric.tolerance}` \|", rows, re.M)


def test_every_tolerance_of_a_task_is_named() -> None:
    assert [name for name in TaskTolerances.model_fields if f"`{name}" not in TEXT] == []


def test_its_tables_are_read() -> None:
    tables = [tomllib.loads(block) for block in blocks("toml")]
    for task in (table["model"]["task"] for table in tables if "model" in table):
        assert settings_type(task["kind"]).model_validate(task)
    for target in (table["targets"]["phone"] for table in tables if "targets" in table):
        assert TaskTolerances.model_validate(target["tolerances"])


def test_its_function_gives_what_its_table_names() -> None:
    names: dict[str, object] = {}
    exec(blocks("python")[0], names)
    (table,) = (tomllib.loads(block)["model"]["task"] for block in blocks("toml") if "custom" in block)
    settings = settings_type("custom").model_validate({**table, "function": f"{__name__}:evaluate"})
    task = task_named("custom")
    tally = task.tally(settings, ())
    tally.function = names["evaluate"]  # type: ignore[attr-defined]
    outputs = (np.zeros(3),)
    for label in (1.0, 2.0):
        tally.add(outputs, task.as_truth(settings, outputs, np.full(3, label)))
    assert tally.figures(np.arange(2)).values == {"accuracy": 0.0, "mean_error_mm": 1.5}


def evaluate() -> None:
    """Stands in for the function of the page, whose text is run."""
