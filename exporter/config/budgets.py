"""The team's budgets file: limits, growth and drift allowances, and waivers."""

import datetime as dt
import fnmatch
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.config.toml import read_settings
from exporter.data.base import Frozen
from exporter.data.quantities import Percent, SizeText
from exporter.data.units import format_percent, format_size

Metric = Literal["download", "install", "size"]


Text = Annotated[str, Field(min_length=1)]


class Growth(Frozen):
    """How much more a figure may be than before.

    Attributes:
        bytes: most bytes more.
        percent: most percent more.
        fail_when: with both given: ``either`` fails when one of them is exceeded, ``both`` only when both are.
    """

    bytes: SizeText | None = None
    percent: Percent | None = None
    fail_when: Literal["either", "both"] = "either"

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.bytes is None and self.percent is None:
            raise ValueError("give bytes = '100 kB', percent = '1 %', or both")
        return self

    def limit_bytes(self, before: int) -> int:
        """The most bytes that may be added to `before`, computed without rounding up."""
        limits = [] if self.bytes is None else [self.bytes]
        if self.percent is not None:
            limits.append(int(before * self.percent))
        return min(limits) if self.fail_when == "either" else max(limits)

    def words(self) -> str:
        """The allowance for a person."""
        parts = [] if self.bytes is None else [format_size(self.bytes)]
        parts += [] if self.percent is None else [format_percent(self.percent)]
        return f" {'or' if self.fail_when == 'either' else 'and'} ".join(parts)


class Budget(Frozen):
    """One line of what a figure may be.

    Attributes:
        metric: which figure.
        subject: pattern (``*`` and ``?``) of the subjects, by path or by file name; ``total`` for their sum.
        model: pattern of models inside the subject; without it the whole subject is meant.
        max: most bytes.
        growth: against the baseline.
        drift: against the anchor, an older baseline, to catch many small steps.
        severity: ``warn`` is shown but does not fail the run.
    """

    metric: Metric
    subject: Text = "*"
    model: str | None = None
    max: SizeText | None = None
    growth: Growth | None = None
    drift: Growth | None = None
    severity: Literal["error", "warn"] = "error"

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.max is None and self.growth is None and self.drift is None:
            raise ValueError("give at least one of max, growth and drift")
        if self.model is not None and self.metric == "size":
            raise ValueError("models inside a subject have metrics download and install")
        return self

    def is_for(self, subject: str) -> bool:
        """Whether the pattern matches the subject's path or its file name."""
        if self.subject == "total" or subject == "total":
            return self.subject == subject
        return any(fnmatch.fnmatchcase(name, self.subject) for name in (subject, subject.rpartition("/")[2]))


class Waiver(Frozen):
    """A failure that someone allows until a day.

    Attributes:
        subject: pattern of subjects.
        metric: pattern of the verdict's metric: ``download.growth``, ``store.app-clip.*``.
        reason: why.
        author: who.
        expires: the last day on which it holds.
    """

    subject: Text
    metric: Text
    reason: Text
    author: Text
    expires: dt.date

    def covers(self, subject: str, metric: str) -> bool:
        """Whether its patterns match."""
        return fnmatch.fnmatchcase(metric, self.metric) and any(
            fnmatch.fnmatchcase(name, self.subject) for name in (subject, subject.rpartition("/")[2])
        )


class BudgetFile(Frozen):
    """budgets.toml.

    Attributes:
        schema_version: of the file's form.
        stores: stores whose rules are judged, besides those of ``--store``.
        minimum_os: of the app, as ``--minimum-os``.
        budgets: most bytes, growth or drift of subjects.
        waivers: failures that are accepted until a day.
        duplicates: what it means that a package holds the same weights twice.
        compressed: what it means that a model that must be mapped is deflated.
        extracted: what it means that Android copies native code out of the APK that it could map inside it.
    """

    schema_version: int = 1
    stores: tuple[str, ...] = ()
    minimum_os: str | None = None
    budgets: tuple[Budget, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    duplicates: Literal["error", "warn", "off"] = "warn"
    compressed: Literal["error", "warn", "off"] = "error"
    extracted: Literal["error", "warn", "off"] = "warn"


def load_budgets(path: Path | None) -> BudgetFile:
    """The file at `path`; without one, no budgets.

    Raises:
        UsageProblem: unreadable or with errors.
    """
    return BudgetFile() if path is None else read_settings(path, BudgetFile)
