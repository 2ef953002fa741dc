"""What the MODEL argument names: a folder, a config.json, or a repository of the Hugging Face hub; and its files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.sources.libraries.cards import CARD
from exporter.sources.libraries.hub import revisions
from exporter.sources.libraries.objects import read_object

PREFIX = "transformers:"
PROCESSOR = "preprocessor_config.json"
_HEAD = re.compile(r"[A-Za-z_][\w.]*")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
SMALL = ("config.json", PROCESSOR, CARD)
SAFE = ("model*.safetensors", "model.safetensors.index.json")
OLD = ("pytorch_model*.bin", "pytorch_model.bin.index.json")
"""Files of a repository: about the model, its weights, and its weights where they are pickles."""


@dataclass(frozen=True)
class Place:
    """Where a model lies.

    Attributes:
        spec: the MODEL argument.
        name: of the folder, the file or the repository, as the user wrote it.
        head: of the model; empty where the configuration decides.
        folder: with the files; None of a repository.
        config: the configuration's file; None of a repository.
    """

    spec: str
    name: str
    head: str
    folder: Path | None
    config: Path | None

    @property
    def weights(self) -> Sequence[Path]:
        """Files of a folder that hold weights; none of a ``config.json`` that was named alone."""
        if self.folder is None or Path(self.name).is_file():
            return ()
        return sorted(path for pattern in (SAFE[0], OLD[0]) for path in self.folder.glob(pattern))

    @property
    def files(self) -> Sequence[Path]:
        """Everything that decides the model; of a repository what the hub's cache has of it."""
        if self.folder is None:
            return revisions(self.name)
        beside = [self.folder / name for name in SMALL if self.config is None or name != self.config.name]
        return [path for path in (self.config, *beside, *self.weights) if path is not None and path.is_file()]

    def with_folder(self, folder: Path) -> "Place":
        """A repository whose small files lie in `folder` of the hub's cache."""
        return Place(self.spec, self.name, self.head, folder, folder / "config.json")


def place_of(spec: str) -> Place:
    """Take a MODEL argument apart.

    Raises:
        UsageProblem: no such folder or file, a folder without a config.json, or no name of a repository.
    """
    rest = spec.removeprefix(PREFIX)
    before, _, after = rest.rpartition(":")
    named_head = bool(before) and _HEAD.fullmatch(after) is not None and not Path(rest).exists()
    name, head = (before, after) if named_head else (rest, "")
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise UsageProblem(
                f"model {spec}: there is no such file {path / 'config.json'}; it says what the model is."
            )
        return Place(spec, name, head, path, path / "config.json")
    if path.is_file():
        return Place(spec, name, head, path.parent, path)
    if path.suffix == ".json" or not _REPOSITORY.fullmatch(name):
        raise UsageProblem(f"model {spec}: there is no such file or folder {name}.")
    return Place(spec, name, head, None, None)


def processor_of(place: Place) -> Mapping[str, Any]:
    """What the file beside the configuration says of images or sound; empty where there is none.

    Raises:
        UsageProblem: it is no JSON object.
    """
    path = None if place.folder is None else place.folder / PROCESSOR
    if path is None or not path.is_file():
        return {}
    return read_object(path)
