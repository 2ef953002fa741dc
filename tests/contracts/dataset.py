"""What every kind of data owes: the suite that each kind of the table runs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.data.facts.source import InputSpec
from exporter.data.settings.model import ModelSettings
from exporter.datasets.dataset import Dataset
from exporter.datasets.files.tokens import TokenizerFile
from exporter.datasets.open import open_dataset
from exporter.datasets.truths import Boxes, Instances, Poses, TruthKind

TYPES: dict[str, type[Any]] = {"boxes": Boxes, "instances": Instances, "poses": Poses, "text": str}
ARRAYS = {"classes_map": np.int64, "tokens": np.int64, "depth": np.float32, "image": np.float32, "values": np.float32}


@dataclass(frozen=True)
class Case:
    """Data of a kind, to be written.

    Attributes:
        write: puts three examples or more into a folder, from a seed of their contents and one of what is true of
            them; gives the argument.
        inputs: of a model that takes them.
        truth: what is true of them; "class" for labels.
        pictures: whether they are images in files.
        settings: of the model; a function of the folder.
    """

    write: Callable[[Path, int, int], str]
    inputs: tuple[InputSpec, ...]
    truth: TruthKind
    pictures: bool = False
    settings: Callable[[Path], dict[str, Any]] = field(default=lambda _: {})

    def opened(self, folder: Path, content: int = 0, said: int = 0, resize: Any = "letterbox") -> Dataset:
        """Written anew and opened."""
        folder.mkdir(exist_ok=True)
        given = self.write(folder, content, said)
        settings = ModelSettings.model_validate(self.settings(folder))
        return open_dataset(given, self.inputs, resize, truths=(self.truth,), settings=settings)


class DatasetContract:
    """A subclass gives the fixture `case`."""

    def test_examples_are_as_the_model_takes_them(self, case: Case, tmp_path: Path) -> None:
        data = case.opened(tmp_path)
        assert data.size >= 3
        for spec, batch in zip(case.inputs, data.batch([0]), strict=True):
            assert batch.shape == (1, *spec.shape[1:])
            assert batch.dtype == np.dtype(spec.dtype)

    def test_the_same_example_is_the_same_bytes(self, case: Case, tmp_path: Path) -> None:
        """Protects the comparison: source and artifact must see one thing, also after a restart."""
        first, again = case.opened(tmp_path), case.opened(tmp_path)
        for index in first.spread(3):
            for one, two, three in zip(first.read(index), first.read(index), again.read(index), strict=True):
                np.testing.assert_array_equal(one, two)
                np.testing.assert_array_equal(one, three)

    def test_examples_differ(self, case: Case, tmp_path: Path) -> None:
        """An index that is passed over would give a sample of one."""
        data = case.opened(tmp_path)
        assert len({b"".join(value.tobytes() for value in data.read(index)) for index in range(data.size)}) > 1

    def test_the_digest_is_of_examples_and_truths(self, case: Case, tmp_path: Path) -> None:
        """Protects the cache: a verdict on other data is another verdict."""
        first = case.opened(tmp_path / "a").digest
        assert case.opened(tmp_path / "a").digest == first
        assert case.opened(tmp_path / "a", content=1).digest != first
        assert case.opened(tmp_path / "a", said=1).digest != first
        assert not case.pictures or case.opened(tmp_path / "a", resize="stretch").digest != first

    def test_truths_are_of_their_kind(self, case: Case, tmp_path: Path) -> None:
        data = case.opened(tmp_path)
        if case.truth == "class":
            assert data.truth_kind is None
            assert data.labels is not None
            assert len(data.labels) == data.size
            return
        assert data.labels is None
        assert data.truth_kind == case.truth
        assert data.truths is not None
        for index in range(data.size):
            truth = data.truths(index)
            if case.truth in TYPES:
                assert isinstance(truth, TYPES[case.truth])
            else:
                assert truth.dtype == ARRAYS[case.truth]

    def test_classes_are_counted_by_their_names(self, case: Case, tmp_path: Path) -> None:
        data = case.opened(tmp_path)
        for index in range(data.size if data.truths and data.class_names else 0):
            assert data.truths is not None
            truth = data.truths(index)
            boxes = truth if isinstance(truth, Boxes) else getattr(truth, "boxes", None)
            assert boxes is None or set(boxes.classes) <= set(range(len(data.class_names)))

    def test_images_say_how_they_were_fitted(self, case: Case, tmp_path: Path) -> None:
        data = case.opened(tmp_path)
        assert (data.fit is not None) == case.pictures
        if data.fit is not None:
            fit = data.fit(1)
            height, width = case.inputs[0].height_width
            middle = np.array([fit.width / 2 * fit.scale_x + fit.left, fit.height / 2 * fit.scale_y + fit.top])
            assert np.abs(middle - (width / 2, height / 2)).max() <= 1

    def test_nothing_is_decoded_before_it_is_asked_for(
        self, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Protects memory and the time until the first word of a wrong annotation."""

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("an example was decoded")

        folder = tmp_path / "a"
        folder.mkdir()
        given = case.write(folder, 0, 0)
        settings = ModelSettings.model_validate(case.settings(folder))
        for name in ("PIL.Image.open", "scipy.io.wavfile.read"):
            monkeypatch.setattr(name, refuse)
        monkeypatch.setattr(TokenizerFile, "encode", refuse)
        assert open_dataset(given, case.inputs, "crop", truths=(case.truth,), settings=settings).size >= 3
