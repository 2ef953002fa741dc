"""The table of tasks: name -> package, with light `settings` and a `task` that is imported when outputs are read."""

import copyreg
import functools
import importlib
import operator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model

from exporter.data.settings.model import ModelSettings
from exporter.data.settings.task import TaskSettings

if TYPE_CHECKING:
    from exporter.tasks.task import Task

TASKS = {
    "classification": "exporter.tasks.classification",
    "detection": "exporter.tasks.detection",
    "segmentation": "exporter.tasks.segmentation",
    "instance_segmentation": "exporter.tasks.instance_segmentation",
    "keypoints": "exporter.tasks.keypoints",
    "depth": "exporter.tasks.depth",
    "super_resolution": "exporter.tasks.super_resolution",
    "embedding": "exporter.tasks.embedding",
    "speech": "exporter.tasks.speech",
    "audio": "exporter.tasks.audio",
    "text": "exporter.tasks.text",
    "regression": "exporter.tasks.regression",
    "custom": "exporter.tasks.custom",
}


def task_named(name: str) -> "Task":
    """The task that the table has under `name`."""
    task: Task = importlib.import_module(f"{TASKS[name]}.task").TASK
    return task


@functools.cache
def settings_type(name: str) -> type[TaskSettings]:
    """The task's settings, bound to its name: `kind` can be nothing else, in data and in the JSON Schema."""
    kind: type[TaskSettings] = importlib.import_module(f"{TASKS[name]}.settings").SETTINGS
    literal: Any = Literal[name]  # of a value that only this table knows, which no type checker follows
    return create_model(
        kind.__name__, __base__=kind, __module__=kind.__module__, __doc__=kind.__doc__, kind=(literal, name)
    )


@functools.cache
def model_type() -> type[ModelSettings]:
    """`ModelSettings` with settings of every task; its JSON Schema is that of the ``[model]`` table."""
    union: Any = functools.reduce(operator.or_, map(settings_type, TASKS))
    task = Annotated[Annotated[union, Field(discriminator="kind")] | None, BeforeValidator(_by_name)]
    made: type[ModelSettings] = create_model(
        "ModelSettings", __base__=ModelSettings, __doc__=ModelSettings.__doc__, task=(task, None)
    )
    # A type that is made anew in each process is pickled by what it holds.
    copyreg.pickle(made, _reduced)
    return made


def _reduced(settings: ModelSettings) -> tuple[Any, ...]:
    return _restored, (settings.model_dump(exclude_unset=True),)


def _restored(values: dict[str, Any]) -> ModelSettings:
    return model_type().model_validate(values)


def _by_name(value: Any) -> Any:
    """``task = "detection"`` is the task with all its defaults."""
    return {"kind": value} if isinstance(value, str) else value
