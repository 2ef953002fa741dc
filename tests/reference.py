"""docs/settings.md, docs/documents.md and the end of docs/tasks.md, made from the types; tests compare.

`python -m tests.reference` writes them.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from exporter.compression.recipe import recipe_type
from exporter.config.budgets import BudgetFile
from exporter.config.inventory import Inventory
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.recipe import Step
from exporter.data.settings.target import Budgets, Target, Tolerances
from exporter.data.settings.task import TaskSettings
from exporter.formats.registry import all_formats
from exporter.formats.registry import names as names_of_formats
from exporter.tasks.registry import TASKS, settings_type
from profilers.plan import ProfilePlan

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
TASKS_PAGE = PAGE.with_name("tasks.md")
DOCUMENTS_PAGE = PAGE.with_name("documents.md")
HEAD = """# Settings of targets

Made from the types by `python -m tests.reference`. What a target does not set has its default, or that of the target
which it `extends`; what has no default here is off. `mobile-export targets check` names every mistake at once.
"""
SHARED: list[tuple[type[BaseModel], str]] = [(Target, ""), (Tolerances, "tolerances."), (Budgets, "budgets.")]
DOCUMENTS_HEAD = """# Settings of models, recipes, budgets and plans

Made from the types by `python -m tests.reference`. What has no default here is off. `mobile-export schema targets`,
`mobile-export schema budgets` and `mobile-export schema plan` print the same as JSON Schema, for editors.
"""
DOCUMENTS: list[tuple[str, type[BaseModel]]] = [
    ("The model: `[model]` of a targets file", ModelSettings),
    ("A recipe: `[recipes.NAME]` of a targets file, or a file", recipe_type()),
    ("A budgets file", BudgetFile),
    ("A plan of profiling", ProfilePlan),
    ("The inventory of a lab", Inventory),
]
ELSEWHERE = {
    "format": ", ".join(f"`{one}`" for one in names_of_formats()),
    "steps": "a list of tables, each with its `method`, one of those below, and that method's settings",
    "task": "a table: [a task](tasks.md#settings)",
}
"""What can be written where the JSON Schema says too little or too much."""
OF_THE_FORMAT = ("compute_units", "quantization")


def settings_page() -> str:
    """The whole page."""
    parts = [HEAD, "\n".join([*_table_head("## Every target"), *_shared_rows()])]
    for form in all_formats():
        own = [name for name in form.target_type.model_fields if _is_own(form.target_type, name)]
        parts.append("\n".join(_table(f"## {form.title} targets", form.target_type, own)))
        parts += [
            "\n".join(_table(title, model, list(model.model_fields))) for title, model in _inside(form.target_type)
        ]
    return "\n\n".join(parts) + "\n"


def tasks_page() -> str:
    """The page of tasks: what is written there up to the first task's settings, and these."""
    written = TASKS_PAGE.read_text(encoding="utf-8").partition("\n### ")[0].rstrip()
    parts = [written]
    for name in TASKS:
        kind = settings_type(name)
        own = [field for field in kind.model_fields if field != "kind"]
        parts.append("\n".join(_table(f"### {name}\n\n{_summary(kind)}", kind, own)))
    return "\n\n".join(parts) + "\n"


def documents_page() -> str:
    """Every other document that people write."""
    parts = [DOCUMENTS_HEAD.rstrip()]
    for title, kind in DOCUMENTS:
        first, *inside = models_of(kind)
        parts.append("\n".join(_table(f"## {title}", first, list(first.model_fields))))
        parts += [
            "\n".join(_table(f"### {_heading(model)}\n\n{_summary(model)}", model, _settable(model)))
            for model in inside
            if model is not TaskSettings
        ]
    return "\n\n".join(parts) + "\n"


def _heading(model: type[BaseModel]) -> str:
    """What a recipe's step is called there, else the type's name, which tables refer to."""
    return str(model.model_fields["method"].default) if issubclass(model, Step) else model.__name__


def _settable(model: type[BaseModel]) -> list[str]:
    return [name for name in model.model_fields if name != "method"]


def _is_own(kind: type[BaseModel], name: str) -> bool:
    return name in OF_THE_FORMAT or name not in Target.model_fields


def models_of(kind: type[BaseModel]) -> list[type[BaseModel]]:
    """`kind` and every model that its fields can hold."""
    found: list[type[BaseModel]] = []

    def visit(annotation: Any) -> None:
        is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        if is_model and annotation not in found:
            found.append(annotation)
            for field in annotation.model_fields.values():
                visit(field.annotation)
        for part in getattr(annotation, "__args__", ()):
            visit(part)

    visit(kind)
    return found


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """What the docstrings of a model and its bases say of each attribute."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        text = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")[2]
        entries = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", text, re.M)
        found |= {name: " ".join(words.split()).replace("``", "`").rstrip(".") for name, words in entries}
    return found


def _shared_rows() -> Iterator[str]:
    yield _row("extends", "a target", "", "start from its settings; tables merge")
    for model, prefix in SHARED:
        own = [name for name in model.model_fields if name not in ("name", "tolerances", "budgets", *OF_THE_FORMAT)]
        yield from _rows(model, own, prefix)


def _inside(kind: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    shared = {model for model, _ in SHARED}
    for model in models_of(kind)[1:]:
        if model not in shared and model.model_fields:
            yield f"### {model.__name__}\n\n{_summary(model)}", model


def _summary(model: type[BaseModel]) -> str:
    first = inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0]
    return " ".join(first.split()).replace("``", "`")


def _table(title: str, model: type[BaseModel], names: list[str]) -> list[str]:
    return [*_table_head(title), *_rows(model, names, "")]


def _table_head(title: str) -> list[str]:
    return [title, "", "| setting | values | default | meaning |", "|---|---|---|---|"]


def _rows(model: type[BaseModel], names: list[str], prefix: str) -> Iterator[str]:
    schema = model.model_json_schema()
    said = meanings(model)
    for name in names:
        values = ELSEWHERE.get(name) or _values(schema["properties"][name])
        yield _row(f"{prefix}{name}", values, _default(model, name), said.get(name, ""))


def _row(name: str, values: str, default: str, meaning: str) -> str:
    cells = [f"`{name}`", values, default, meaning]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _values(field: dict[str, Any]) -> str:
    """What can be written, from the JSON Schema of a field."""
    if "description" in field:
        return str(field["description"])
    if "$ref" in field:
        kind = field["$ref"].rpartition("/")[2]
        return f"a table: [{kind}](#{kind.lower()})"
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if "anyOf" in field or "oneOf" in field:
        choices = field.get("anyOf") or field["oneOf"]
        return " or ".join(dict.fromkeys(_values(one) for one in choices if one.get("type") != "null"))
    if field.get("type") == "object":
        values = field["additionalProperties"]
        return f"a table of names, each with {'any value' if values is True else _values(values)}"
    if field.get("type") == "array":
        items = field.get("items") or {"anyOf": field["prefixItems"]}
        return f"a list of {_values(items)}"
    return _number(field) or {"string": "text", "boolean": "true, false"}[field["type"]]


def _number(field: dict[str, Any]) -> str:
    kind = {"integer": "a whole number", "number": "a number"}.get(field["type"])
    if kind is None:
        return ""
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    return " ".join([kind, *(f"{word} {field[key]:g}" for key, word in words.items() if key in field)])


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    value = field.default
    if field.is_required():
        return "required"
    if value is None or (not value and not isinstance(value, bool | int | float)) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
    DOCUMENTS_PAGE.write_text(documents_page(), encoding="utf-8")
    TASKS_PAGE.write_text(tasks_page(), encoding="utf-8")
