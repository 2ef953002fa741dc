"""What the functions give: the commands' results, which show themselves in Jupyter."""

import html
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from exporter.data.results import commands, listings, search, sizes
from exporter.report.renderer import Result, names_for, render

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_PAGE = (
    '<iframe srcdoc="{}" title="{}" sandbox="allow-scripts allow-popups"'
    ' style="width: 100%; height: 36em; border: 0; resize: vertical"></iframe>'
)


class _Printer(Protocol):
    """IPython's, as far as it is used here."""

    def text(self, text: str) -> None:
        """Write `text`."""


class Shown:
    """A result that shows itself: as its page where its kind has one, else as the command's tables."""

    def _repr_html_(self: Result) -> str:
        # A frame, so that the styles of page and notebook leave each other alone.
        if "html" in names_for(self.kind):
            return _PAGE.format(html.escape(_as("html", self)), html.escape(_sendable(self.title)))
        return f"<pre>{html.escape(_as('text', self))}</pre>"

    def _repr_pretty_(self: Result, printer: _Printer, cycle: bool) -> None:
        printer.text(_as("text", self).rstrip("\n"))


def _as(form: str, result: Result) -> str:
    return _sendable(render(form, result))


def _sendable(text: str) -> str:
    """Without lone surrogates, which file names can have and messages of Jupyter cannot."""
    return text.encode("utf-8", "backslashreplace").decode()


class RunResult(Shown, commands.RunResult):
    """What `run`, `convert` and `report` give: the record of a run, and the folder in which its files lie."""

    @property
    def artifacts(self) -> dict[str, Path]:
        """The file or package of each target that has one."""
        targets = self.record.targets
        return {one.name: self.folder / one.artifact.path for one in targets if one.artifact is not None}


class CompressResult(Shown, commands.CompressResult):
    """What each step of a recipe did, and what it leaves for the formats."""


class CheckResult(Shown, commands.CheckResult):
    """What targets make of a model's operators."""


class VerifyResult(Shown, commands.VerifyResult):
    """An artifact compared with its source."""


class InspectResult(Shown, commands.InspectResult):
    """What is inside an artifact."""


class SearchResult(Shown, search.SearchResult):
    """A study: every point that was tried, and the answer for each target."""


class BudgetResult(Shown, sizes.BudgetResult):
    """Sizes, judged."""


class CompareResult(Shown, sizes.CompareResult):
    """Why artifacts grew."""


class TargetsResult(Shown, listings.TargetsResult):
    """Every target there is."""


class DevicesResult(Shown, listings.DevicesResult):
    """Every device there is, and which tools could not be asked."""


Kind = TypeVar("Kind", bound="DataclassInstance")


def shown(kind: type[Kind], found: "DataclassInstance") -> Kind:
    """`found`, a result of a use case, as the `kind` above that is made of it."""
    return kind(**{field.name: getattr(found, field.name) for field in fields(found)})
