"""WAV files: classes as folders, a CSV of ``path`` and ``label`` or ``text``, or a folder with its transcripts."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.datasets.dataset import Dataset, digest_files, hash_text
from exporter.datasets.examples.pictures import annotated
from exporter.datasets.files.documents import read_table
from exporter.datasets.files.wav import read_samples, sample_rate
from exporter.datasets.kind import Wanted, common_batch, shapes_of
from exporter.datasets.kinds.images import folder_labels, label_of
from exporter.datasets.truths import TruthKind
from exporter.sources.factories import import_attribute
from exporter.store.given import given_digest, given_text

TRANSCRIPTS = ("transcripts.csv", "transcripts.txt")
"""In a folder: ``path,text`` a line, or a file's name without its suffix and its words (as LibriSpeech has it)."""

_FrontEnd = Callable[[NDArray[np.float32], int], Any]


@dataclasses.dataclass(frozen=True)
class _Said:
    """What is said of files: classes, their names, texts."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...] | None = None
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] | None = None


def open_data(given: str, wanted: Wanted) -> Dataset:
    """Clips as raw samples of the input's length, zeros behind a shorter one; or as a front end makes inputs of them.

    Raises:
        UsageProblem: a file is damaged, or of another sample rate than the model's, or its transcript is not there.
    """
    path = Path(given)
    said = _of_folder(path, wanted) if path.is_dir() else _of_table(path, path.parent, wanted)
    rate = _rate(said.paths, wanted.settings.sample_rate)
    front_end = wanted.settings.front_end
    function = _raw(given, wanted) if front_end is None else import_attribute(front_end)
    root = path if path.is_dir() else path.parent
    digest = hash_text(
        "\0".join([digest_files(said.paths, root, said.labels, wanted.inputs), str(rate), *_code(front_end, function)])
    )
    data = Dataset(
        given,
        digest,
        len(said.paths),
        partial(_read, said.paths, rate, function, wanted.inputs),
        said.labels,
        said.paths,
        common_batch(given, wanted),
        class_names=said.names,
    )
    if said.texts is None:
        return data
    return annotated(data, "text", said.texts.__getitem__, hash_text("\0".join(said.texts)))


def _of_folder(folder: Path, wanted: Wanted) -> _Said:
    for name in TRANSCRIPTS:
        if (folder / name).is_file():
            return _of_table(folder / name, folder, wanted) if name.endswith(".csv") else _of_lines(folder / name)
    paths = tuple(sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".wav" and path.is_file()))
    if any(path.parent == folder for path in paths):
        return _Said(paths)
    labels, names = folder_labels(paths, folder, wanted)
    return _Said(paths, labels, names)


def _of_table(path: Path, root: Path, wanted: Wanted) -> _Said:
    lines = read_table(path)
    held = [name for name in ("label", "text") if name in lines[0].cells]
    if "path" not in lines[0].cells:
        raise UsageProblem(f"data {path}: the first line must be path,label or path,text.")
    paths = []
    for line in lines:
        paths.append(root / line.cells["path"])
        if not paths[-1].is_file():
            raise UsageProblem(f"data {path}, line {line.number}: there is no file {paths[-1]}.")
    if not held:
        return _Said(tuple(paths))
    kinds: dict[str, TruthKind] = {"label": "class", "text": "text"}
    if wanted.chosen(*(kinds[name] for name in held)) == "text":
        return _Said(tuple(paths), texts=tuple(line.cells["text"] for line in lines))
    labels = tuple(label_of(line.cells["label"], line.number, path, wanted) for line in lines)
    return _Said(tuple(paths), labels, wanted.class_names)


def _of_lines(path: Path) -> _Said:
    files = {file.stem: file for file in path.parent.rglob("*") if file.suffix.lower() == ".wav"}
    paths, texts = [], []
    lines = given_text(path, advice="save it as UTF-8", called=f"data {path}").splitlines()
    for number, line in enumerate(lines, start=1):
        stem, _, words = line.strip().partition(" ")
        if stem and stem not in files:
            raise UsageProblem(f"data {path}, line {number}: there is no file {stem}.wav.")
        if stem:
            paths.append(files[stem])
            texts.append(words.strip())
    if not paths:
        raise UsageProblem(f"data {path} has no lines.")
    return _Said(tuple(paths), texts=tuple(texts))


def _rate(paths: Sequence[Path], wanted: int | None) -> int:
    """The one sample rate of all files."""
    for path in paths:
        rate = sample_rate(path)
        if wanted is None:
            wanted = rate
        if rate != wanted:
            raise UsageProblem(
                f"audio {path} has {rate} samples a second, not {wanted}; resample it, or set sample_rate in [model]."
            )
    assert wanted is not None
    return wanted


def _raw(given: str, wanted: Wanted) -> _FrontEnd:
    """Samples of the input's length."""
    inner = wanted.inputs[0].shape[1:] if wanted.inputs else ()
    if len(wanted.inputs) != 1 or not inner or int(np.prod(inner)) != inner[-1]:
        raise UsageProblem(
            f"data {given} holds audio; the model's inputs are {shapes_of(wanted)}, which is no row of samples. Set "
            'front_end = "module:function" in [model], which makes them of samples and their rate.'
        )

    def cut(samples: NDArray[np.float32], _: int) -> NDArray[np.float32]:
        kept = samples[: inner[-1]]
        return np.pad(kept, (0, inner[-1] - len(kept))).reshape(inner)

    return cut


def _code(front_end: str | None, function: Any) -> list[str]:
    """What decides the inputs beside the samples: the function's name and the file that it is in."""
    if front_end is None:
        return ["raw"]
    file = inspect.getsourcefile(function) if inspect.isfunction(function) else None
    return [front_end, given_digest(Path(file)) if file else ""]


def _read(
    paths: Sequence[Path], rate: int, function: _FrontEnd, inputs: Sequence[InputSpec], index: int
) -> tuple[NDArray[Any], ...]:
    path = paths[index]
    samples = read_samples(path)
    try:
        made = function(samples, rate)
    except UsageProblem:
        raise
    except Exception as error:
        raise UsageProblem(f"audio {path}: the front end failed: {type(error).__name__}: {error}") from error
    values = made if isinstance(made, tuple) else (made,)
    if len(values) != len(inputs):
        raise UsageProblem(f"audio {path}: the front end gives {len(values)} arrays for {len(inputs)} inputs.")
    return tuple(_as_input(np.asarray(value), spec, path) for value, spec in zip(values, inputs, strict=True))


def _as_input(value: NDArray[Any], spec: InputSpec, path: Path) -> NDArray[Any]:
    """Without the batch, in the input's type."""
    inner = spec.shape[1:]
    if value.shape not in (inner, (1, *inner)):
        raise UsageProblem(
            f"audio {path}: the front end gives {list(value.shape)} for input {spec.name}, which takes {list(inner)}."
        )
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise UsageProblem(f"audio {path}: the front end gives values that are NaN or infinite.")
    return np.ascontiguousarray(value.reshape(inner), spec.dtype)
