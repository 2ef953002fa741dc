"""Flexible: the shapes that one input can have, and those of them that are tried."""

import math

from exporter.data.base import Frozen

Shape = tuple[int, ...]


class Flexible(Frozen):
    """Shapes of an input, batch first: a range of lengths for each dimension, or whole shapes.

    Attributes:
        ranges: least and greatest length of each dimension, which are the same where it is fixed; empty for `shapes`.
        shapes: every shape, in the order given; empty for `ranges`.
    """

    ranges: tuple[tuple[int, int], ...] = ()
    shapes: tuple[Shape, ...] = ()

    @property
    def largest(self) -> Shape:
        """The example's: memory and time of every other shape are at most this one's."""
        return max(self.shapes, key=math.prod) if self.shapes else tuple(high for _, high in self.ranges)

    @property
    def bounds(self) -> tuple[tuple[int, int], ...]:
        """Least and greatest length of each dimension."""
        return self.ranges or tuple((min(lengths), max(lengths)) for lengths in zip(*self.shapes, strict=True))

    @property
    def lengths(self) -> tuple[tuple[int, ...], ...]:
        """What decides each dimension: the ends of its range, or its length in every shape."""
        return self.ranges or tuple(zip(*self.shapes, strict=True))

    @property
    def axes(self) -> tuple[int, ...]:
        """Dimensions of more than one length."""
        return tuple(axis for axis, (low, high) in enumerate(self.bounds) if low < high)

    @property
    def tried(self) -> tuple[Shape, ...]:
        """Shapes that source and artifact are run on, the example's last: every listed one; of ranges ends and middle.

        The middle is odd, and another one in each dimension of equal bounds: even and equal lengths hide wrong padding
        and exchanged axes.
        """
        if self.shapes:
            return tuple(sorted(self.shapes, key=lambda shape: (shape == self.largest, math.prod(shape))))
        ends = [tuple(pair[place] for pair in self.ranges) for place in (0, 1)]
        middle = list(ends[0])
        for place, axis in enumerate(self.axes):
            low, high = self.ranges[axis]
            middle[axis] = min(high, (low + high) // 2 + 2 * place | 1)
        return tuple(dict.fromkeys((ends[0], tuple(middle), ends[1])))

    def moved(self, order: Shape) -> "Flexible":
        """The same with its dimensions in another order."""
        return Flexible(
            ranges=tuple(self.ranges[axis] for axis in order if self.ranges),
            shapes=tuple(tuple(shape[axis] for axis in order) for shape in self.shapes),
        )

    def __str__(self) -> str:
        """``1x3x(128..512)x(128..512)``, or every shape that is listed."""
        if self.shapes:
            return " or ".join("x".join(map(str, shape)) for shape in self.shapes)
        return "x".join(str(low) if low == high else f"({low}..{high})" for low, high in self.ranges)
