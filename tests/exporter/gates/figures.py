"""Sizes as they are found, and how gates judge them on one day."""

import datetime as dt

from exporter.config.budgets import Budget, BudgetFile
from exporter.data.facts.sizes import ByteCount, Measurement
from exporter.data.verdict import Verdict
from exporter.gates.byte_limits import Gates
from exporter.gates.sizes import judge_sizes
from exporter.sizes.packaging import Options

TODAY = dt.date(2026, 11, 23)
OPTIONS = Options()


def measurement(subject: str, install: ByteCount | None, download: ByteCount | None, **more: object) -> Measurement:
    return Measurement.model_validate(
        {"subject": subject, "kind": "test", "size_bytes": 1, "install": install, "download": download, **more}
    )


def judge(found: list[Measurement], *, budget: Budget | None = None, **changes: object) -> list[Verdict]:
    file = BudgetFile(budgets=(budget,) if budget else ())
    return judge_sizes(found, Gates(**{"today": TODAY, "budgets": file, **changes}), OPTIONS)  # type: ignore[arg-type]


def plain(subject: str, download: int) -> Measurement:
    return measurement(subject, None, ByteCount.exact(download, "counted"))
