"""From which state of the user's own code something was made."""

from exporter.data.base import Frozen

SHOWN = 10
"""Characters of a commit that people are shown."""


class Revision(Frozen):
    """A commit.

    Attributes:
        commit: its whole name, or what the user calls it.
        dirty: whether files that git follows differed from it; None where that is not known.
    """

    commit: str
    dirty: bool | None = None

    @property
    def words(self) -> str:
        """The commit, shortened, with a mark where files differed from it."""
        return f"{self.commit[:SHOWN]}{'+changes' if self.dirty else ''}"
