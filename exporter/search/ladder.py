"""Which sizes of a variant are tried: bisection to the smallest inside every limit, then the front above it."""

import itertools
import math
from dataclasses import dataclass, field

from exporter.search.allocation import Options, allocate, largest, smallest

CLOSE = 1.04
"""Sizes whose ratio is below this are one: a search ends there."""

FRONT = 5
"""Sizes that are tried at least, from the smallest that is inside to the most exact."""

FIRST_ERROR = 0.01
"""Nats of divergence, or noise against signal, that are tried first."""


@dataclass
class Ladder:
    """The sizes of one variant, in bytes of its weights.

    Attributes:
        options: ways to store each layer.
        cap: most bytes that are worth a try; None where no budget says so.
        first: where to begin; None begins where `FIRST_ERROR` is predicted.
        passed: sizes that were inside every limit.
        failed: sizes that were not.
        waiting: sizes that are being tried.
    """

    options: Options
    cap: int | None = None
    first: int | None = None
    passed: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)

    def next(self) -> tuple[int, bool] | None:
        """The next size, and whether it is of the bisection; None where no size is left that would tell anything.

        While others wait it is chosen as if they were outside.
        """
        asked = self.bisected()
        if asked is not None:
            return asked, True
        between = self.between()
        return None if between is None else (between, False)

    @property
    def settled(self) -> bool:
        """Whether bisection has come to its end."""
        return not self.waiting and self.bisected() is None

    def asked(self, size: int) -> None:
        """`size` is being tried."""
        self.waiting.append(size)

    def told(self, size: int, *, inside: bool) -> None:
        """What became of `size`."""
        if size in self.waiting:
            self.waiting.remove(size)
        (self.passed if inside else self.failed).append(size)

    def too_large(self, size: int, excess: int) -> bool:
        """`size` made a file that is `excess` bytes too large and lossy enough: only smaller ones are worth a try.

        Returns:
            Whether there are any.
        """
        self.waiting.remove(size)
        self.cap = size - excess
        return self.cap >= smallest(self.options)

    @property
    def ends(self) -> tuple[int, int]:
        """The smallest and the largest size that can be had."""
        low, high = smallest(self.options), largest(self.options)
        return low, max(low, high if self.cap is None else min(high, self.cap))

    def bisected(self) -> int | None:
        """The next size of the bisection."""
        low_end, high_end = self.ends
        outside = [*self.failed, *self.waiting]
        if not outside and not self.passed:
            return self._first()
        high = min(self.passed, default=high_end)
        low = max((size for size in outside if size < high), default=None)
        if not self.passed:
            tried = max(outside)
            return None if tried >= high_end else _middle(tried, high_end, high_end)
        if low is None:
            return None if high <= low_end else _middle(low_end, high, low_end)
        return None if high / low < CLOSE else _middle(low, high, None)

    def _first(self) -> int:
        """The size at which the predicted error is `FIRST_ERROR`, unless another one was given."""
        low, high = self.ends
        if self.first is not None:
            return min(max(low, self.first), high)
        while high / low > CLOSE:
            middle = int(math.sqrt(low * high))
            found = allocate(self.options, middle)
            if found is not None and found.error <= FIRST_ERROR:
                high = middle
            else:
                low = middle
        return high

    def between(self) -> int | None:
        """In the widest gap between sizes that are inside, the most exact one included."""
        if self.waiting or not self.passed or len(set(self.passed)) >= FRONT:
            return None
        known = sorted({*self.passed, *(size for size in self.failed if size > min(self.passed))})
        _, high = self.ends
        if max(known) * CLOSE < high:
            return high
        gaps = [(upper / lower, lower, upper) for lower, upper in itertools.pairwise(known)]
        widest = max(gaps, default=(1.0, 0, 0))
        return None if widest[0] < CLOSE**2 else _middle(widest[1], widest[2], None)


def _middle(low: int, high: int, end: int | None) -> int:
    """Between two sizes by their ratio; the `end` itself where little lies between."""
    if end is not None and high / low < CLOSE**2:
        return end
    return int(math.sqrt(low * high))
