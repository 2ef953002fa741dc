"""Variants of a target: what a search may make of it, in the words of its format.

A variant says what activations are and which ways there are to store each weight. The weights themselves are chosen by
a recipe, whose forms the format keeps bit for bit; or by the format's own quantizer, where it takes no forms.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exporter.data.facts.storage import Activations, Storage, WeightFacts
from exporter.data.settings.target import Target

Storages = Callable[[WeightFacts], tuple[Storage, ...]]
Settings = Callable[[Sequence[str]], Target]


@dataclass(frozen=True)
class Variant:
    """One family of artifacts of a target.

    Attributes:
        name: such as ``weights`` or ``int8``, in records and sentences.
        says: what it is, as part of a sentence.
        activations: ``float``, or integers with ranges from calibration data.
        settings: the target for weights in the forms that a recipe gives them; layers that are named stay in floating
            point.
        storages: ways to store a weight, the most exact first; None where no recipe is given and the format quantizes
            by itself.
    """

    name: str
    says: str
    activations: Activations
    settings: Settings
    storages: Storages | None


def names_pattern(layers: Sequence[str]) -> str:
    """A regular expression of just these layers, as rules name them."""
    return f"^(?:{'|'.join(map(re.escape, layers))})$"
