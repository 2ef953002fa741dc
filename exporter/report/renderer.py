"""Renderer: from what a command found to text, in one format; and the table of those there are.

A new format is one module with a `render`, and one row here. Results are told apart by their `kind`; renderers know no
gate and no use case, and a name that they show is text and never markup.
"""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from exporter.data.verdict import Verdict

PAPER_COLUMNS = 160


class Result(Protocol):
    """What a renderer is given; see `exporter.data.results.commands`."""

    @property
    def kind(self) -> str:
        """The command that found it: ``run``, ``budget``, ..."""

    @property
    def title(self) -> str:
        """What it is about; may hold any character."""

    @property
    def verdicts(self) -> "Sequence[Verdict]":
        """Empty where nothing is judged."""

    @property
    def exit_code(self) -> int:
        """Of the command."""

    @property
    def schema_version(self) -> int:
        """Of `document`."""

    def document(self) -> dict[str, Any]:
        """The whole of it, of frozen data and plain values."""


class View(NamedTuple):
    """How much is shown, and on what.

    Attributes:
        rows: most rows of a table that could have very many.
        columns: width of the terminal; files have whole lines.
        colour: whether terminal colours can be seen.
        verbose: whether text shows everything: what passed, and every reading.
        quiet: whether text shows what failed and nothing else.
    """

    rows: int = 15
    columns: int = PAPER_COLUMNS
    colour: bool = False
    verbose: bool = False
    quiet: bool = False


class Renderer(Protocol):
    """A module of the table."""

    def render(self, result: Any, view: View) -> str:
        """`result` as text that ends with a line end, or is empty where there is nothing to say.

        Equal results give equal text. The text may hold lone surrogates of file names that are not UTF-8, and no other
        control character than line ends and the colours that `view` allows.
        """


class Row(NamedTuple):
    """Where a renderer lives, and the kinds of results that it renders."""

    module: str
    kinds: tuple[str, ...]


JUDGED = ("run", "budget", "profile", "verify", "check", "gate", "lab-drift")
WITH_VERDICTS = (*JUDGED, "compare")
"""A comparison shows what differs, and says besides what got worse."""

PAGES = ("run", "budget", "compare", "profile", "verify", "search", "history", "gate")
ALL = (
    *PAGES,
    "check",
    "compress",
    "inspect",
    "targets",
    "target",
    "targets-check",
    "devices",
    "doctor",
    "handoff",
    "leases",
    "lab-status",
    "lab-drift",
    "kept",
)

RENDERERS = {
    "text": Row("exporter.report.text.renderer", ALL),
    "json": Row("exporter.report.json", ALL),
    "html": Row("exporter.report.html.renderer", PAGES),
    "markdown": Row("exporter.report.markdown.renderer", PAGES),
    "svg": Row("exporter.report.html.plots.treemap", ("compare",)),
    "junit": Row("exporter.report.ci.junit", WITH_VERDICTS),
    "sarif": Row("exporter.report.ci.sarif", WITH_VERDICTS),
    "github": Row("exporter.report.ci.github", WITH_VERDICTS),
    "gitlab": Row("exporter.report.ci.gitlab", WITH_VERDICTS),
    "teamcity": Row("exporter.report.ci.teamcity", WITH_VERDICTS),
}


def names_for(kind: str) -> tuple[str, ...]:
    """The formats that results of this kind can be had in, in the order of the table."""
    return tuple(name for name, row in RENDERERS.items() if kind in row.kinds)


def render(name: str, result: Result, view: View | None = None) -> str:
    """`result` in the format `name`, which is one of `names_for` its kind."""
    return load(RENDERERS[name].module).render(result, view or View())


def load(module: str) -> Renderer:
    """The renderer at `module`, imported when it is used."""
    return cast(Renderer, importlib.import_module(module))
