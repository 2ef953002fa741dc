"""Opens what the user gave for `--calibration` or `--evaluation`: the table of kinds of data."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.task import Resize
from exporter.datasets.dataset import Dataset
from exporter.datasets.forms import (
    Form,
    any_of,
    ends,
    first_path_ends,
    has_column,
    has_files,
    holds,
    is_attribute,
    is_folder,
)
from exporter.datasets.kind import Opener, Wanted
from exporter.datasets.truths import TruthKind


class _Row(NamedTuple):
    """A kind: its module in `exporter.datasets.kinds`, the form of its arguments, and what they are in words."""

    module: str
    form: Form
    words: str


_ROWS = (
    _Row("coco", ends(".json"), "a COCO .json"),
    _Row("arrow", any_of(ends(".arrow", ".parquet"), holds("dataset_info.json")), "an Arrow folder or .parquet"),
    _Row("voc", holds("Annotations", "JPEGImages"), "a Pascal VOC folder"),
    _Row("masks", holds("images", "masks"), "a folder of images/ and masks/"),
    _Row("depth", holds("images", "depth"), "a folder of images/ and depth/"),
    _Row("pairs", holds("inputs", "targets"), "a folder of inputs/ and targets/"),
    _Row("yolo", any_of(ends(".yaml", ".yml"), holds("images", "labels"), holds("data.yaml")), "a YOLO data.yaml"),
    _Row("audio", any_of(has_files(".wav"), first_path_ends(".wav")), "a folder of .wav files"),
    _Row("arrays", ends(".npz"), "an .npz"),
    _Row("text", any_of(ends(".jsonl", ".ndjson"), has_column("text", without="path")), "a .csv or .jsonl of text"),
    _Row("images", any_of(is_folder, ends(".csv")), "a folder of images, a .csv of path,label"),
    _Row("factory", is_attribute, "module:factory"),
)
"""The first whose form fits is taken."""


def open_dataset(
    given: str,
    inputs: Sequence[InputSpec],
    resize: Resize,
    class_names: Sequence[str] = (),
    *,
    truths: Sequence[TruthKind] = (),
    settings: ModelSettings | None = None,
) -> Dataset:
    """A dataset of files of any kind of the table, or of a factory.

    Args:
        given: the user's argument.
        inputs: what the model takes.
        resize: how images of another size are fitted.
        class_names: the model's classes, which names in files are found among.
        truths: what the task can be measured by, where files can hold several kinds.
        settings: of the model, for text, audio and depth.

    Raises:
        UsageProblem: not readable, empty, or not of the model's shape.
    """
    wanted = Wanted(tuple(inputs), resize, tuple(class_names), tuple(truths), settings or ModelSettings())
    return _opener(given)(given, wanted)


def _opener(given: str) -> Opener:
    row = next((row for row in _ROWS if row.form(given)), None)
    if row is not None:
        opener: Opener = importlib.import_module(f"exporter.datasets.kinds.{row.module}").open_data
        return opener
    if not Path(given).exists():
        raise UsageProblem(f"data {given}: there is no such file or folder.")
    *others, code = (row.words for row in _ROWS)
    raise UsageProblem(f"data {given}: give {', '.join(reversed(others))}, or {code}.")
