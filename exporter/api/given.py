"""What is given to the functions, as the use cases take it."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.data.settings.model import ModelSettings

PathText = str | PathLike[str]


def path_of(given: PathText | None) -> Path | None:
    """`given` as a path; None where it is None."""
    return None if given is None else Path(given)


def settings_of(given: Mapping[str, object] | None, targets_file: PathText | None) -> "ModelSettings":
    """The ``[model]`` table of `targets_file`, or of ``targets.toml`` in this folder, under what was given.

    Raises:
        UsageProblem: all errors, each with its dotted path.
    """
    from exporter.config.model import model_settings

    return model_settings(path_of(targets_file), dict(given or {}))
