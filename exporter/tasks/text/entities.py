"""Names in a text, judged whole: the spans that tags of its tokens make, as CoNLL's shared tasks count them.

A span begins at B- and S-, and wherever the type changes or nothing was open; it ends after E- and S-, and before what
is no part of it. So a stray I- begins one, as in the script ``conlleval`` (Tjong Kim Sang and De Meulder, "Introduction
to the CoNLL-2003 shared task", 2003) and in seqeval's default mode.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.tasks.text.settings import PREFIXES, Entities

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Tags:
    """What classes of tokens say; the last row is of -1, a class that is not known, which is in no span.

    Attributes:
        kind: int64 (classes + 1,), type of the span that a token is in; -1 outside of any.
        opens: bool, whether it is the first of its span.
        closes: bool, whether it is the last.
    """

    kind: Ids
    opens: NDArray[np.bool_]
    closes: NDArray[np.bool_]

    def counts(self, chosen: Ids, wanted: Ids) -> tuple[int, int, int]:
        """Spans of one text that are right, that are chosen, and that are true.

        Raises:
            UsageProblem: a class has no name.
        """
        highest = int(max(chosen.max(initial=-1), wanted.max(initial=-1)))
        if highest >= len(self.kind) - 1:
            raise UsageProblem(
                f"text: class {highest} of the tokens has no name among the {len(self.kind) - 1} that are given."
            )
        found, true = self.spans(chosen), self.spans(wanted)
        return len(found & true), len(found), len(true)

    def spans(self, classes: Ids) -> set[tuple[int, int, int]]:
        """Type, first token and token after the last of each span of one text."""
        kind, before = self.kind[classes], np.append(-1, self.kind[classes][:-1])
        inside, closed = kind >= 0, np.append(True, self.closes[classes][:-1])
        starts = inside & (self.opens[classes] | closed | (kind != before))
        ends = np.append(starts | ~inside, True)
        first = np.flatnonzero(starts)
        after = np.flatnonzero(ends)
        last = after[np.searchsorted(after, first + 1)] if len(first) else first
        return set(zip(kind[first].tolist(), first.tolist(), last.tolist(), strict=True))


def tags_of(names: Sequence[str], entities: Entities) -> Tags:
    """What the names of the classes say.

    Raises:
        UsageProblem: there are none, or they are not of this form.
    """
    parts = [re.fullmatch(rf"([{PREFIXES[entities]}])-(.+)", name) for name in names]
    wrong = [name for name, part in zip(names, parts, strict=True) if part is None and name != "O"]
    if wrong or not any(parts):
        raise UsageProblem(_unlike(names, wrong, entities))
    kinds = sorted({part[2] for part in parts if part})
    return Tags(
        np.array([kinds.index(part[2]) if part else -1 for part in (*parts, None)], np.int64),
        np.array([part is not None and part[1] in "BS" for part in (*parts, None)]),
        np.array([part is not None and part[1] in "ES" for part in (*parts, None)]),
    )


def _unlike(names: Sequence[str], wrong: Sequence[str], entities: Entities) -> str:
    form = " or ".join(f"{prefix}-TYPE" for prefix in PREFIXES[entities])
    given = f"{', '.join(wrong[:5] or names[:5])} is not so" if names else "none are known: give them with labels"
    return f'[model.task] text: entities = "{entities}" needs class names {form}, and O outside of names; {given}.'
