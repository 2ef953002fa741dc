"""What `zoo_tasks.py` found: rows read from `run.json`, kept in a file that outlives an interrupted run, as a table."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """The verdict of one limit on one artifact, or why there is none.

    Attributes:
        metric: of the task.
        status: ``passed``, ``failed`` or ``not checked``; ``error`` where there is no artifact.
        loss: with its 95 % interval, in words; empty where it is not known.
        examples: that decided it, in words.
        reason: in the program's words.
    """

    model: str
    form: str
    task: str
    metric: str
    status: str
    loss: str
    examples: str
    reason: str
    seconds: float

    @property
    def line(self) -> str:
        """For people who wait."""
        told = f"{self.metric} {self.loss}" if self.status in ("passed", "failed") else self.reason
        return f"{self.model:26} {self.form:7} {self.seconds:6.1f} s  {self.status:12} {told}"


class Results:
    """The rows in a file, written anew with each that is added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        entries = json.loads(path.read_text()) if path.exists() else []
        self._rows = [Row(**item) for item in entries]

    def replace(self, rows: Sequence[Row]) -> None:
        """Keep `rows` in place of what was known of their models and formats."""
        done = {(row.model, row.form) for row in rows}
        kept = [row for row in self._rows if (row.model, row.form) not in done]
        self._rows = [*kept, *rows]
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps([asdict(item) for item in self._rows], indent=1))
        os.replace(partial, self.path)

    def of(self, model: str) -> list[Row]:
        """Of all formats."""
        return [row for row in self._rows if row.model == model]

    def has(self, model: str, formats: Sequence[str]) -> bool:
        """Whether every format of a model has a result."""
        return {row.form for row in self.of(model) if row.status != "error"} >= set(formats)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)


def found(model: str, task: str, formats: Sequence[str], record: Path, trouble: str, seconds: float) -> list[Row]:
    """Of each format: a row for every limit of the task.

    Args:
        record: `run.json`, where there is one.
        trouble: why there is no result; the log's end is taken where it is empty.
    """
    targets = json.loads(record.read_text())["targets"] if record.exists() else []
    if not targets:
        said = trouble or _last_words(record.parent.with_name("log"))
        return [Row(model, form, task, "", "error", "", "", said, round(seconds, 1)) for form in formats]
    return [row for target in targets for row in _rows(model, task, target, seconds)]


def _rows(model: str, task: str, target: dict[str, Any], seconds: float) -> Iterator[Row]:
    facts = [parity["task"] for parity in target["parities"] if parity["task"]]
    metrics = {_limited(metric): metric for fact in facts for metric in fact["metrics"]}
    common = {"model": model, "form": target["name"], "task": task, "seconds": round(seconds, 1)}
    judged = [verdict for verdict in target["verdicts"] if verdict["metric"].startswith("task.")]
    for verdict in judged:
        metric = metrics.get(verdict["metric"])
        yield Row(
            metric=metric["title"] if metric else verdict["metric"],
            status=verdict["status"],
            loss=_loss(metric) if metric and verdict["value"] is not None else "",
            examples=f"{facts[0]['examples']} of {target['parities'][0]['data'].partition(' ')[0]}" if facts else "",
            reason=verdict["reason"],
            **common,
        )
    if not judged:
        yield Row(metric="", status="error", loss="", examples="", reason=target["error"] or "no limit", **common)


def _limited(metric: dict[str, Any]) -> str:
    """What a verdict on it is called."""
    field = metric["tolerance"]
    return f"task.{metric['name'] if field == 'custom_loss' else field.removesuffix('_points').removesuffix('_db')}"


def _loss(metric: dict[str, Any]) -> str:
    unit = " points" if metric["unit"] == "%" else f" {metric['unit']}".rstrip()
    return f"{metric['loss']:.3g} ({metric['low']:.3g} to {metric['high']:.3g}){unit}"


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:300] if lines else "it said nothing"


def table(rows: Sequence[Row]) -> str:
    """Markdown, with the reasons of what was not judged below."""
    lines = ["| model | format | task | metric | loss (95 % interval) | examples | verdict |", "|---" * 7 + "|"]
    for row in rows:
        cells = (row.model, row.form, row.task, row.metric, row.loss, row.examples, row.status)
        lines.append(f"| {' | '.join(cells)} |")
    counts = {status: sum(row.status == status for row in rows) for status in dict.fromkeys(row.status for row in rows)}
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    lines += ["", f"{len({row.model for row in rows})} models: {told}.", ""]
    lines += [f"- {row.model}, {row.form}: {row.reason}" for row in rows if row.status != "passed"]
    return "\n".join(lines)
