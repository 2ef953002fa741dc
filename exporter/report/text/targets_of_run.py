"""The targets of a run, a line each, in as many columns as the terminal has room for."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from exporter.data.facts.artifact import Artifact
from exporter.data.facts.parity import Parity
from exporter.data.facts.profile import Measured
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.data.units import format_size, format_time
from exporter.data.verdict import Status
from exporter.report.cells import one_line, shortened
from exporter.report.readings import latency_percentiles
from exporter.report.tasks import figure

_GAP = 2
_LEAST_NAME = 12


class _Column(NamedTuple):
    """What stands in it for a target; those of the least `worth` are left out first where there is no room."""

    title: str
    worth: int
    cell: Callable[[TargetRecord], str]


def target_lines(record: RunRecord, columns: int) -> Iterator[str]:
    """A heading, then a line a target, none longer than `columns`."""
    shown = _known(record)
    while len(shown) > 2 and _width(record, shown) > columns:
        least = min(shown, key=lambda one: one.worth)
        shown = [one for one in shown if one is not least]
    cells = [
        [one.title for one in shown],
        *([one_line(one.cell(target)) for one in shown] for target in record.targets),
    ]
    widths = [max(len(row[place]) for row in cells) for place in range(len(shown))]
    room = max(_LEAST_NAME, widths[1] - max(0, sum(widths) + _GAP * (len(widths) - 1) - columns))
    widths[1] = min(widths[1], room)
    return (_line(row, widths) for row in cells)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    word, name, *figures = row
    cells = [word.ljust(widths[0]), shortened(name, widths[1]).ljust(widths[1]), *map(str.rjust, figures, widths[2:])]
    return (" " * _GAP).join(cells).rstrip()


def _width(record: RunRecord, shown: Sequence[_Column]) -> int:
    lengths = [max(len(one.title), *(len(one.cell(target)) for target in record.targets), 0) for one in shown]
    return sum(lengths) + _GAP * (len(shown) - 1)


def _known(record: RunRecord) -> list[_Column]:
    """The columns in which any target has something."""
    every = [
        _Column("", 9, _word),
        _Column("target", 9, lambda target: target.name),
        _Column("size", 8, lambda target: format_size(target.artifact.size_bytes) if target.artifact else "none"),
        _Column("of float", 2, lambda target: share(target.artifact)),
        *_task_columns(record),
        _Column("top-1 %", 7, lambda target: parity_cells(target)[1]),
        _Column("SNR dB", 3, lambda target: parity_cells(target)[0]),
        _Column("p50 here", 4, lambda target: latency_cells(target.host)[0]),
        _Column("gates", 5, _gates),
    ]
    return [one for one in every if one.worth >= 8 or any(one.cell(target) != "-" for target in record.targets)]


def _task_columns(record: RunRecord) -> list[_Column]:
    """The first metric of the task, where there is one."""
    parities = [parity for target in record.targets for parity in target.parities[:1]]
    first = next((one.task.metrics[0] for one in parities if one.task and one.task.metrics), None)
    if first is None:
        return []

    def cell(target: TargetRecord) -> str:
        metrics = [one for parity in target.parities[:1] if parity.task for one in parity.task.metrics]
        return next((figure(one, one.artifact) for one in metrics if one.name == first.name), "-")

    return [_Column(first.title, 7, cell)]


def _word(target: TargetRecord) -> str:
    if target.error or target.artifact is None:
        return "error"
    statuses = [one.status for one in target.verdicts if one.severity == "error"]
    return "FAILED" if Status.FAILED in statuses else "unsure" if Status.NOT_CHECKED in statuses else "ok"


def _gates(target: TargetRecord) -> str:
    passed = sum(one.status is Status.PASSED for one in target.verdicts)
    return f"{passed} of {len(target.verdicts)}" if target.verdicts else "none"


def share(artifact: Artifact | None) -> str:
    """Of the same model without compression."""
    if artifact is None or not artifact.twin_size_bytes:
        return "-"
    return f"{artifact.size_bytes / artifact.twin_size_bytes:.0%}"


def parity_cells(target: TargetRecord) -> list[str]:
    """SNR, and top-1 in percent, as the first evaluator gave them."""
    parity: Parity | None = target.parities[0] if target.parities else None
    if parity is None:
        return ["-", "-"]
    snr = "-" if parity.not_compared else "exact" if parity.snr_db is None else f"{parity.snr_db:.1f}"
    return [snr, "-" if parity.top1 is None else f"{100 * parity.top1:.2f}"]


def latency_cells(measured: Measured | None) -> list[str]:
    """p50 and p90 of this machine, marked where something must be said of them."""
    latency = latency_percentiles(measured)
    if measured is None or latency is None:
        return ["-", "-"]
    mark = " (!)" if measured.caveats else ""  # told in full above
    return [format_time(latency[rank]) + mark for rank in ("p50", "p90")]
