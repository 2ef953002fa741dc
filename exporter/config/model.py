"""What a user says of a model: the ``[model]`` table of a targets file under the command line."""

import re
from pathlib import Path

from pydantic import ValidationError

from exporter.config.files import FILE_NAME, read_toml
from exporter.config.problems import checked
from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.settings.model import InputSettings, ModelSettings
from exporter.tasks.registry import TASKS, model_type

_DIMENSION = r"(?:[0-9]+(?:\.\.[0-9]+)?|\{[0-9]+(?:,[0-9]+)*\})"
_SHAPE = re.compile(rf"(?:([^=:]+(?::\d+)?)(?::(float32|int32|int64))?=)?({_DIMENSION}(?:[,x]{_DIMENSION})*)")

_FILES = {"labels", "tokenizer"}
"""Settings that are files beside the targets file."""


def parse_shape(text: str) -> InputSettings:
    """Read ``1,3,224,224``, ``NAME=1,3,224,224`` or ``NAME:int64=1,16``.

    A dimension is a length, a range ``128..512``, or a list of the only lengths ``{192,256,384}``.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise UsageProblem(
            f"{text!r} is not an input shape: write 1,3,224,224 or NAME=1,3,224,224 or NAME:int64=1,16; "
            "128..512 for a range; '{192,256,384}', quoted, for the only lengths."
        )
    name, dtype, shape = match.groups()
    sizes = [_dimension(size) for size in re.findall(_DIMENSION, shape)]
    try:
        return InputSettings.model_validate({"name": name or "image", "dtype": dtype or "float32", "shape": sizes})
    except ValidationError as error:
        raise UsageProblem(f"{text!r} is not an input shape: {_reason(error)}.") from error


def _dimension(text: str) -> int | str | list[int]:
    if text.startswith("{"):
        return [int(length) for length in text.strip("{}").split(",")]
    return text if ".." in text else int(text)


def _reason(error: ValidationError) -> str:
    found = error.errors()[0]
    return str(found["ctx"]["error"]) if found["type"] == "value_error" else "every dimension must be at least 1"


def model_settings(targets_file: Path | None, given: dict[str, object]) -> ModelSettings:
    """The ``[model]`` table of `targets_file` (or of ``targets.toml`` in this folder) under what the user gave.

    Args:
        targets_file: the file of ``--targets``.
        given: settings from the command line; None values are not given.

    Raises:
        UsageProblem: all errors, each with its dotted path.
    """
    path = targets_file or Path(FILE_NAME)
    table = read_toml(path).get("model", {}) if targets_file or path.is_file() else {}
    if not isinstance(table, dict):
        raise UsageProblem(f"{path}: model must be a table: write [model].")
    for name in _FILES & table.keys():
        table[name] = path.parent / str(table[name])
    if str(table.get("front_end", "")).rpartition(":")[0].endswith(".py"):
        table["front_end"] = str(path.parent / str(table["front_end"]))
    merged = {**table, **{key: value for key, value in given.items() if value not in (None, ())}}
    return checked(model_type(), merged, whole="the model settings have", prefix="model", tags=TASKS)


def completed(settings: ModelSettings, description: SourceDescription) -> ModelSettings:
    """What the user said, and what the source's own library says where the user said nothing."""
    known = {"task": description.task, "resize": description.resize, "license": description.license}
    added = {name: value for name, value in known.items() if value and not getattr(settings, name)}
    return model_type().model_validate({**settings.model_dump(), **added}) if added else settings
