"""Text: a class a text or a token, or what comes next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against, Guess
from exporter.datasets.truths import Fit, TruthKind
from exporter.tasks.outputs import best_of, check_names, output_of_rank
from exporter.tasks.sums import Sums, mean_of_known, ratio
from exporter.tasks.task import Figures, Metric, Reader
from exporter.tasks.text.entities import Tags, tags_of
from exporter.tasks.text.settings import Text

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Said:
    """What a model says of a text.

    Attributes:
        scores: float64 (length, classes); of a whole text one row.
        ahead: whether a row is of the token after its own, so that the last row is of none that is known.
    """

    scores: NDArray[np.float64]
    ahead: bool


@dataclass(frozen=True)
class TextTask:
    """Implements `Task`; predictions are `Said`, truths int64, a class for every row of scores that is judged."""

    name = "text"
    truths: tuple[TruthKind, ...] = ("class", "tokens")
    holds_source = False

    def metrics(self, settings: Text, against: Against) -> tuple[Metric, ...]:
        """Accuracy, with F1 of names and classes; of a language model perplexity, where there are labels."""
        accuracy = Metric("token_accuracy", "accuracy", "%", "token_accuracy_drop_points")
        if settings.scores == "next":
            perplexity = Metric("perplexity", "perplexity", "", "perplexity_rise", higher_is_better=False)
            return (perplexity, accuracy) if against == "labels" else (accuracy,)
        macro = Metric("f1", "F1, mean of classes", "%", "f1_drop_points")
        micro = Metric("f1_micro", "F1 of all classes", "%", "f1_micro_drop_points")
        whole = Metric("entity_f1", "F1 of whole names", "%", "entity_f1_drop_points", useless=0.0)
        return (*([whole] if settings.entities else []), accuracy, macro, *([micro] if settings.not_named else []))

    def reader(self, settings: Text, description: SourceDescription) -> Reader:
        """Reads one output of scores.

        Raises:
            UsageProblem: there is no such output, or it is of another shape, or has another number of classes.
        """
        whole = settings.scores == "texts"
        wanted = "scores (N, classes) of texts" if whole else "scores (N, length, classes) of tokens"
        place = output_of_rank(description, settings.output, self.name, (2,) if whole else (3,), wanted)
        if settings.scores != "next":
            classes = description.output_shapes[place][-1]
            check_names(description, place, classes, self.name, len(settings.names(description.labels)))
        return partial(_said, place, settings.scores == "next")

    def as_truth(self, settings: Text, prediction: Said, label: Any = None) -> Ids:
        """The labels of the rows that are judged, or the source's own choice in each.

        Raises:
            UsageProblem: there are more or fewer labels than rows.
        """
        if label is None:
            return best_of(prediction.scores)
        given = np.atleast_1d(np.asarray(label, np.int64))
        if given.shape != prediction.scores.shape[:1]:
            raise UsageProblem(
                f"text: the output has {len(prediction.scores)} rows of scores an example, and the labels are "
                f"{list(given.shape)}; give a label for each, -100 where it does not count."
            )
        return given[1:] if prediction.ahead else given

    def tally(self, settings: Text, classes: Sequence[str]) -> "Tokens":
        """Of no example yet.

        Raises:
            UsageProblem: names of classes do not say what is one name, as the settings have it.
        """
        return Tokens(settings, tags_of(classes, settings.entities) if settings.entities else None)


def _said(place: int, ahead: bool, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Said]:
    given = np.asarray(outputs[place], np.float64)
    return [Said(np.atleast_2d(one), ahead) for one in given]


@dataclass
class Tokens:
    """Right and wrong rows, their likelihood, and of each class how often it is right, chosen and true.

    Attributes:
        tags: what classes say of names; None where these are not judged whole.
        said: how often each class is true.
    """

    settings: Text
    tags: Tags | None = None
    totals: Sums = field(default_factory=Sums)
    classes: Sums = field(default_factory=Sums)
    entities: Sums = field(default_factory=Sums)
    said: Counter[int] = field(default_factory=Counter)

    def add(self, prediction: Said, truth: Ids) -> None:
        """Take in one example.

        Raises:
            UsageProblem: a label is no class of the output.
        """
        scores = prediction.scores[: len(truth)]
        counted = (truth != self.settings.ignore) & (truth != -1)  # -1 is what the source could not say
        scores, wanted = scores[counted], truth[counted]
        size = scores.shape[1]
        if ((wanted < 0) | (wanted >= size)).any():
            wrong = wanted[(wanted < 0) | (wanted >= size)][0]
            raise UsageProblem(
                f"text: label {wrong} is none of the output's {size} classes (0 to {size - 1}); is the tokenizer, or "
                "the list of classes, another model's?"
            )
        chosen = best_of(scores)
        self.said.update(wanted.tolist())
        self.totals.add([(chosen == wanted).sum(), len(wanted), _surprise(scores, wanted).sum()])
        if self.settings.scores != "next":
            columns = (wanted[chosen == wanted], chosen[chosen >= 0], wanted)
            self.classes.add([np.bincount(column, minlength=size) for column in columns])
        if self.tags is not None:
            self.entities.add(self.tags.counts(chosen, wanted))

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``token_accuracy``; ``perplexity`` of language models; F1 of others, ``f1`` also a class."""
        right, count, surprise = self.totals.of(sample)
        values = {"token_accuracy": ratio(right, count)}
        empty = int((self.totals.table[sample, 1] == 0).sum())
        guesses = self._guesses(int(count))
        if self.settings.scores == "next":
            with np.errstate(over="ignore"):
                values |= {"perplexity": float(np.exp(ratio(surprise, count)))}
            return Figures(values, empty=empty, guesses=guesses)
        both, chosen, wanted = np.delete(self.classes.of(sample), list(self.settings.not_named), 1)
        whole = chosen + wanted
        of_class = np.where(whole > 0, 2 * both / np.maximum(whole, 1), np.nan)
        values |= {"f1": mean_of_known(of_class), "f1_micro": ratio(2 * float(both.sum()), float(whole.sum()))}
        values |= self._of_names(sample)
        return Figures(values, {"f1": self._placed(of_class)}, self._counts(sample), empty, guesses)

    def _of_names(self, sample: NDArray[np.intp]) -> dict[str, float]:
        if self.tags is None:
            return {}
        both, chosen, wanted = self.entities.of(sample)
        return {"entity_f1": ratio(2 * both, chosen + wanted)}

    def _guesses(self, count: int) -> Mapping[str, Guess]:
        """One class of those of texts; of tokens the commonest, which is most of them where few are names."""
        if len(self.said) < 2:
            return {}
        commonest = max(self.said.values()) / self.said.total()
        share = 1 / len(self.said) if self.settings.scores == "texts" else commonest
        return {"token_accuracy": Guess(answers=count, share=share)}

    def _placed(self, of_class: NDArray[np.float64]) -> NDArray[np.float64]:
        """Those of all classes, NaN of those that are left out."""
        size = self.classes.table.shape[-1]
        named = np.setdiff1d(np.arange(size), self.settings.not_named)
        placed = np.full(size, np.nan)
        placed[named] = of_class
        return placed

    def _counts(self, sample: NDArray[np.intp]) -> NDArray[np.int64]:
        return np.asarray((self.classes.table[np.unique(sample), 2] > 0).sum(0), np.int64)


def _surprise(scores: NDArray[np.float64], wanted: Ids) -> NDArray[np.float64]:
    """Minus the log likelihood of each right class."""
    high = scores.max(-1, keepdims=True)
    total = np.log(np.exp(scores - high).sum(-1)) + high[:, 0]
    return np.asarray(total - scores[np.arange(len(wanted)), wanted], np.float64)


TASK = TextTask()
