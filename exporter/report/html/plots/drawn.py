"""The worst examples of a task as the page draws them: the picture, and what was found on it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from exporter.data.facts.drawings import Drawing, Mark, Shown
from exporter.data.facts.parity import Parity

_LETTER = 0.05
"""Height of letters, as a share of the picture's."""
_WIDTH = 0.55
"""Of a letter, as a share of its height."""
_LINE = 1.1
"""From one line to the next, likewise."""


class Label(NamedTuple):
    """Words on a picture, from their left end on their base line."""

    words: str
    x: float
    y: float


def worst(parities: Sequence[tuple[str, Parity]], pictures: Mapping[str, str]) -> dict[str, Any]:
    """Every example of every artifact, and how many of their pictures are not at hand.

    Args:
        parities: with what each is of.
        pictures: in base64 by name.
    """
    examples = [(subject, one) for subject, parity in parities if parity.task for one in parity.task.shown]
    names = {name for _, one in examples for name in one.pictures}
    return {
        "examples": [_example(subject, one, pictures) for subject, one in examples],
        "pictures": len(names),
        "missing": len(names - pictures.keys()),
    }


def _example(subject: str, one: Shown, pictures: Mapping[str, str]) -> dict[str, Any]:
    """An example, and each thing that was made of it under its title."""
    drawings = [("source", one.source), (subject, one.artifact)]
    titled = drawings if one.truth is None else [("labels", one.truth), *drawings]
    return {
        "title": f"{subject}, {one.name}: {one.metric} is worse by {one.loss:.3g} on this example",
        "drawings": [_drawing(title, one, drawing, pictures) for title, drawing in titled],
    }


def _drawing(title: str, one: Shown, drawing: Drawing, pictures: Mapping[str, str]) -> dict[str, Any]:
    return {
        "title": title,
        "name": one.name,
        "width": one.width,
        "height": one.height,
        "letter": _LETTER * one.height,
        "picture": pictures.get(one.picture, ""),
        "classes": pictures.get(drawing.classes, ""),
        "marks": list(zip(drawing.marks, _labels(drawing.marks, one.width, one.height), strict=True)),
    }


def _labels(marks: Sequence[Mark], width: int, height: int) -> Iterator[Label]:
    """One a mark, above its box where there is room; where another label is, below that, or from the top."""
    letter = _LETTER * height
    taken: list[tuple[float, float, float]] = []
    for mark in marks:
        words = mark.name if mark.score is None else f"{mark.name} {mark.score:.2f}"
        length = _WIDTH * letter * len(words)
        left, top = mark.corners[:2]
        x = max(0.0, min(left, width - length))
        beside = [y for start, end, y in taken if start < x + length and end > x]
        wanted = min(max(top - 0.2 * letter, letter), height - 0.2 * letter)
        y = next((y for y in (_free(beside, wanted, letter), _free(beside, letter, letter)) if y <= height), wanted)
        taken.append((x, x + length, y))
        yield Label(words, x, y)


def _free(taken: Sequence[float], wanted: float, letter: float) -> float:
    """The first base line from `wanted` downwards that is a letter away from those that are taken."""
    y = wanted
    for other in sorted(taken):
        if abs(y - other) < 0.99 * _LINE * letter:
            y = other + _LINE * letter
    return y
