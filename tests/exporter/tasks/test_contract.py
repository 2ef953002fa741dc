"""Every task of the table under the contract."""

import json
import subprocess
import sys

import pytest

from exporter.tasks.registry import TASKS, model_type, task_named
from tests.contracts.task import Case, TaskContract
from tests.exporter.tasks.cases import CASES


@pytest.fixture(params=CASES, scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    """One case."""
    return CASES[request.param]()


class TestEveryTask(TaskContract):
    """The contract, over cases of all tasks."""


def test_every_row_of_the_table_has_a_case() -> None:
    assert {build().table["kind"] for build in CASES.values()} == set(TASKS)
    assert all(task_named(name).name == name for name in TASKS)


def test_the_settings_of_all_tasks_are_in_the_schema_of_the_model_table() -> None:
    """Protects editors, which complete from it."""
    schema = json.dumps(model_type().model_json_schema())
    assert all(f'"const": "{name}"' in schema for name in TASKS)


def test_settings_are_read_without_numpy() -> None:
    """Protects the light install and the time that --help takes."""
    code = (
        "import sys; from exporter.tasks.registry import TASKS, settings_type\n"
        "for name in TASKS: settings_type(name)\n"
        "print([name for name in ('numpy', 'torch', 'pycocotools') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
