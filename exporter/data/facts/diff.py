"""Two artifacts, packages or runs compared in bytes, as frozen data."""

from typing import Literal

from exporter.data.base import Frozen

Group = Literal["layer", "dtype", "file"]


class Change(Frozen):
    """Bytes of one layer, dtype or file before and after; 0 where it is not there."""

    name: str
    before: int
    after: int

    @property
    def bytes(self) -> int:
        """How many more there are."""
        return self.after - self.before


class SizeDiff(Frozen):
    """Two subjects compared.

    Attributes:
        before: name of the first.
        after: name of the second.
        size: sums of their files.
        download: their downloads; None where one is unavailable.
        groups: changes by layer, dtype and file, the largest first; a group that could not be had is not there.
        notes: why a group is not there.
    """

    before: str
    after: str
    size: Change
    download: Change | None
    groups: dict[Group, tuple[Change, ...]]
    notes: tuple[str, ...] = ()
