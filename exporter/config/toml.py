"""Typed data from a TOML file: every error at once, each with its place, an unknown key with the nearest known one."""

import difflib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError

from exporter.config.files import read_toml
from exporter.data.errors import UsageProblem
from exporter.data.units import parse_size

Model = TypeVar("Model", bound=BaseModel)


def _size(value: Any) -> int:
    if isinstance(value, str):
        try:
            return parse_size(value)
        except UsageProblem as error:
            raise ValueError(str(error)) from error
    raise ValueError("write a size with its unit, in quotes: '4 MB' (10^6 bytes) or '4 MiB' (2^20 bytes)")


SizeText = Annotated[int, BeforeValidator(_size)]


def read_settings(path: Path, kind: type[Model]) -> Model:
    """The file at `path` as a `kind`.

    Raises:
        UsageProblem: unreadable, not TOML, of a newer schema, or with errors (all in one message).
    """
    document = read_toml(path)
    check_version(document, path, kind.model_fields["schema_version"].default)
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        lines = [f"  {_sentence(dict(item), kind)}" for item in error.errors()]
        raise UsageProblem(f"{path} has errors:\n" + "\n".join(lines)) from error


def check_version(document: Any, path: Path, known: int) -> None:
    """Refuse a document without a schema version, and one of a version that this program does not know."""
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise UsageProblem(f"{path} has no schema_version. Write schema_version = {known} when the file is your own.")
    if version > known:
        raise UsageProblem(
            f"{path} has schema version {version}; this program knows versions up to {known}. "
            "Upgrade mobile-export to read it."
        )
    if version < 1:
        raise UsageProblem(f"{path} has schema version {version}, which no release ever wrote.")


def _sentence(error: dict[str, Any], kind: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    context = error.get("ctx", {}).get("error")
    message = str(context) if context else error["msg"]
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(error["loc"][-1]), _keys(kind), n=1)
        message = "unknown setting" + (f"; did you mean {near[0]!r}?" if near else "")
    return f"{place}: {message}"


def _keys(kind: type[BaseModel]) -> list[str]:
    """Every field name of `kind` and of the models in it."""
    names = list(kind.model_fields)
    for field in kind.model_fields.values():
        for model in _models(field.annotation):
            names += _keys(model)
    return names


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner)]
