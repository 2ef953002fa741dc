"""Speech: what is said, judged by the words and characters that are wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Fit, TruthKind
from exporter.execution.heavy import load
from exporter.tasks.outputs import best_of, output_of_rank
from exporter.tasks.speech.decoding import Vocabulary, collapsed, vocabulary
from exporter.tasks.speech.settings import Speech
from exporter.tasks.sums import Sums, ratio
from exporter.tasks.task import Figures, Metric, Reader


@dataclass(frozen=True)
class SpeechTask:
    """Implements `Task`; predictions and truths are str."""

    name = "speech"
    truths: tuple[TruthKind, ...] = ("text",)
    holds_source = False

    def metrics(self, settings: Speech, against: Against) -> tuple[Metric, ...]:
        """Word and character error rate, which can be above 100 %."""
        return (
            Metric("wer", "word error rate", "%", "wer_rise_points", higher_is_better=False, useless=1.0),
            Metric("cer", "character error rate", "%", "cer_rise_points", higher_is_better=False, useless=1.0),
        )

    def reader(self, settings: Speech, description: SourceDescription) -> Reader:
        """Reads scores of tokens, or tokens.

        Raises:
            UsageProblem: there is no such output, it is of another shape, or the vocabulary is another model's.
        """
        words = vocabulary(settings)
        if settings.decoding == "ids":
            place = output_of_rank(description, settings.output, self.name, (2,), "ids of tokens (N, length)")
            return partial(_of_ids, place, words)
        wanted = "scores of tokens (N, time, tokens)"
        place = output_of_rank(description, settings.output, self.name, (3,), wanted)
        shape = description.output_shapes[place]
        if shape[2] != words.size or settings.blank >= shape[2]:
            raise UsageProblem(
                f"[model.task] speech: output {description.outputs[place]} is {list(shape)}, {shape[2]} tokens a step, "
                f"and {words.file} has {words.size}, with the blank {settings.blank}. Give this model's vocabulary."
            )
        return partial(_of_scores, place, words, settings.blank)

    def as_truth(self, settings: Speech, prediction: str, label: str | None = None) -> str:
        """The label, or the source's text."""
        return prediction if label is None else label

    def tally(self, settings: Speech, classes: Sequence[str]) -> "TextErrors":
        """Of no example yet."""
        return TextErrors(settings.lowercase)


def _of_scores(
    place: int, words: Vocabulary, blank: int, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]
) -> list[str]:
    best = best_of(np.asarray(outputs[place]))
    return [words.text(collapsed(np.where(ids < 0, blank, ids), blank).tolist()) for ids in best]


def _of_ids(place: int, words: Vocabulary, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[str]:
    rows = np.rint(np.asarray(outputs[place])).astype(np.int64)
    return [words.text([one for one in row.tolist() if 0 <= one < words.size]) for row in rows]


@dataclass
class TextErrors:
    """Wrong words and characters of each example (jiwer), and how many there are to be said."""

    lowercase: bool
    sums: Sums = field(default_factory=Sums)

    def add(self, prediction: str, truth: str) -> None:
        """Take in one example."""
        said, heard = (self._even(text) for text in (truth, prediction))
        jiwer = load("jiwer")
        counted = (jiwer.process_words(said, heard), jiwer.process_characters(said, heard))
        self.sums.add([number for one in counted for number in _wrong_and_all(one)])

    def _even(self, text: str) -> str:
        joined = " ".join(text.split())
        return joined.lower() if self.lowercase else joined

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``wer`` and ``cer`` of all texts together."""
        wrong_words, words, wrong_characters, characters = self.sums.of(sample)
        values = {"wer": ratio(wrong_words, words), "cer": ratio(wrong_characters, characters)}
        return Figures(values, empty=int((self.sums.table[sample, 1] == 0).sum()))


def _wrong_and_all(one: Any) -> tuple[int, int]:
    """Edits, and what was to be said."""
    lost = one.substitutions + one.deletions
    return lost + one.insertions, one.hits + lost


TASK = SpeechTask()
