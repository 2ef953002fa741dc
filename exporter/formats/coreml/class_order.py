"""In which order a classifier's scores are the source's outputs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem

_SHOWN = 5


def class_order(path: Path, artifact: Sequence[Any], source: Sequence[str], given: bool) -> list[int]:
    """For each output of the source, the place of its class among the artifact's.

    Args:
        path: of the artifact.
        artifact: its class labels, names or integers.
        source: class names in the order of the source's outputs; empty when they are not known.
        given: whether the user gave them. Names that came with the source's weights are only used if they are the
            artifact's too: without names of the user's, an artifact's classes are in the source's order.

    Raises:
        UsageProblem: the user's names are not the artifact's.
    """
    own = [str(label) for label in artifact]
    if not source or own == list(source):
        return list(range(len(own)))
    if Counter(own) == Counter(source):
        places: dict[str, list[int]] = defaultdict(list)
        for place, label in enumerate(own):
            places[label].append(place)
        return [places[label].pop(0) for label in source]
    if given:
        raise UsageProblem(_unlike(path, own, source))
    return list(range(len(own)))


def _unlike(path: Path, own: Sequence[str], source: Sequence[str]) -> str:
    ours, theirs = Counter(source) - Counter(own), Counter(own) - Counter(source)
    parts = [f"only in --labels: {_some(ours)}"] if ours else []
    parts += [f"only in the artifact: {_some(theirs)}"] if theirs else []
    return (
        f"{path}: --labels has {len(source)} names and the artifact {len(own)} classes; {'; '.join(parts)}. "
        "Give the artifact's names in the order of the model's outputs, or leave --labels out if the artifact's "
        "own order is that."
    )


def _some(labels: Counter[str]) -> str:
    names: Iterable[str] = labels.elements()
    shown = list(names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
