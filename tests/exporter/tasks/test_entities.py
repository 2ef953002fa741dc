"""F1 of whole names: protects that it is the figure which CoNLL's shared tasks and seqeval give."""

from collections.abc import Sequence

import numpy as np
import pytest
from pydantic import ValidationError

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.tasks.registry import settings_type, task_named
from exporter.tasks.text.entities import tags_of
from exporter.tasks.text.settings import Entities
from tests.exporter.tasks.made import described, one_hot

IOB = ("O", "B-MISC", "I-MISC", "B-PER", "I-PER")
BIOES = ("O", *(f"{prefix}-{kind}" for kind in ("PER", "LOC") for prefix in "BIES"))


def f1(
    wanted: Sequence[str], found: Sequence[str], names: Sequence[str] = IOB, entities: Entities = "iob"
) -> dict[str, float]:
    """Figures of texts whose tags are written side by side; an underline is a label that does not count."""
    table = {"kind": "text", "scores": "tokens", "entities": entities}
    task, settings = task_named("text"), settings_type("text").model_validate(table)
    tally = task.tally(settings, names)
    for one, other in zip(wanted, found, strict=True):
        labels = np.array([-100 if tag == "_" else names.index(tag) for tag in one.split()])
        scores = one_hot(np.array([names.index(tag) for tag in other.split()]), len(names))
        (said,) = task.reader(settings, described_as(scores.shape))([scores[None]], [None])
        tally.add(said, task.as_truth(settings, said, labels))
    return dict(tally.figures(np.arange(len(wanted))).values)


def described_as(shape: tuple[int, ...]) -> SourceDescription:
    return described({"scores": (1, *shape)})


def test_the_example_of_seqevals_readme() -> None:
    """``f1_score(y_true, y_pred)`` 0.50: the first text's name begins a token early, the second's is right."""
    wanted = ["O O O B-MISC I-MISC I-MISC O", "B-PER I-PER O"]
    found = ["O O B-MISC I-MISC I-MISC I-MISC O", "B-PER I-PER O"]
    assert f1(wanted, found)["entity_f1"] == 0.5


def test_the_example_of_seqevals_modes() -> None:
    """Its default mode says 1.00 where a name begins with I-, as ``conlleval`` does; its strict mode says 0."""
    names = ("O", "B-NP", "I-NP")
    assert f1(["B-NP I-NP O"], ["I-NP I-NP O"], names)["entity_f1"] == 1.0


@pytest.mark.parametrize(
    ("names", "entities", "tags", "spans"),
    [
        pytest.param(IOB, "iob", "B-PER I-PER B-PER", {("PER", 0, 2), ("PER", 2, 3)}, id="IOB2, side by side"),
        pytest.param(IOB, "iob", "I-PER I-PER B-PER O", {("PER", 0, 2), ("PER", 2, 3)}, id="IOB1, side by side"),
        pytest.param(IOB, "iob", "I-PER I-MISC", {("PER", 0, 1), ("MISC", 1, 2)}, id="another type"),
        pytest.param(IOB, "iob", "O I-PER O I-PER", {("PER", 1, 2), ("PER", 3, 4)}, id="stray, and at the end"),
        pytest.param(IOB, "iob", "O O", set(), id="none"),
        pytest.param(BIOES, "bioes", "B-PER I-PER E-PER S-PER", {("PER", 0, 3), ("PER", 3, 4)}, id="BIOES"),
        pytest.param(BIOES, "bioes", "B-PER E-PER E-PER O", {("PER", 0, 2), ("PER", 2, 3)}, id="after an end"),
        pytest.param(BIOES, "bioes", "S-PER I-PER B-LOC O", {("PER", 0, 1), ("PER", 1, 2), ("LOC", 2, 3)}, id="open"),
    ],
)
def test_spans(names: Sequence[str], entities: Entities, tags: str, spans: set[tuple[str, int, int]]) -> None:
    kinds = sorted({name[2:] for name in names if name != "O"})
    found = tags_of(names, entities).spans(np.array([names.index(tag) for tag in tags.split()]))
    assert {(kinds[kind], first, after) for kind, first, after in found} == spans


def test_a_name_that_is_half_right_is_wrong() -> None:
    """Protects from the figure of tokens, of which most are right: one name of two is, of three that are found."""
    figures = f1(["B-PER I-PER I-PER O O B-MISC"], ["B-PER I-PER O B-PER O B-MISC"])
    assert figures["entity_f1"] == pytest.approx(2 * 1 / (3 + 2))
    assert figures["token_accuracy"] == pytest.approx(4 / 6)


def test_tokens_that_do_not_count_are_in_no_name_and_part_none() -> None:
    """Later pieces of a word have no label: a name goes on behind them."""
    assert f1(["_ B-PER _ I-PER _"], ["B-MISC B-PER O I-PER B-PER"])["entity_f1"] == 1.0


def test_what_is_nan_is_in_no_name() -> None:
    tags = tags_of(IOB, "iob")
    assert tags.spans(np.array([3, -1, 4])) == {(1, 0, 1), (1, 2, 3)}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param((), "none are known: give them with labels", id="no names"),
        pytest.param(("O", "PER", "B-LOC"), "PER is not so", id="no prefix"),
        pytest.param(("O", "B-LOC", "E-LOC"), "E-LOC is not so", id="of BIOES"),
        pytest.param(("O",), "O is not so", id="nothing named"),
    ],
)
def test_names_of_another_form_are_refused(names: tuple[str, ...], words: str) -> None:
    """Before any example is run: a tally is made with the data."""
    settings = settings_type("text").model_validate({"kind": "text", "scores": "tokens", "entities": "iob"})
    with pytest.raises(UsageProblem, match=f'^.model.task. text: entities = "iob" needs.*B-TYPE or I-TYPE.*{words}'):
        task_named("text").tally(settings, names)


def test_a_class_without_a_name_is_refused() -> None:
    with pytest.raises(UsageProblem, match="class 5 of the tokens has no name among the 5"):
        tags_of(IOB, "iob").counts(np.array([5]), np.array([0]))


def test_whole_texts_have_no_names_in_them() -> None:
    with pytest.raises(ValidationError, match='give scores = "tokens", which is "texts"'):
        settings_type("text").model_validate({"kind": "text", "entities": "iob"})
