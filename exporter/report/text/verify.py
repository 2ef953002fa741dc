"""A comparison with a source in the terminal."""

from collections.abc import Iterator

from rich.console import RenderableType

from exporter.data.facts.layers import LayerFindings
from exporter.data.facts.parity import Parity
from exporter.data.results.commands import VerifyResult
from exporter.report.layers import COLUMNS, WORST, cells, summary
from exporter.report.renderer import View
from exporter.report.summary import tally
from exporter.report.tasks import COLUMNS as TASK_COLUMNS
from exporter.report.tasks import rows
from exporter.report.text.console import laid_out, table, words
from exporter.report.text.verdicts import ROOM, verdict_items

_NARROW = [COLUMNS.index(name) for name in ("module", "made by", ">SNR dB", ">largest error")]
"""Columns of layers that a narrow terminal has room for."""


def render(result: VerifyResult, view: View) -> str:
    """What failed, the comparisons, the layers where they were asked for, and how many gates passed."""
    items: list[RenderableType] = list(verdict_items(result.verdicts, view))
    if view.quiet:
        return laid_out(items, view)
    items += [words(_parity(parity)) for parity in result.parities]
    measured = [row for parity in result.parities for row in rows(result.artifact.name, parity)]
    if measured:
        items.append(table("Tasks", TASK_COLUMNS, measured))
    items += _layers(result.layers, view) if result.layers is not None else ()
    return laid_out([*items, words(tally(result.verdicts))], view)


def _parity(parity: Parity) -> str:
    where = f"{parity.evaluator} on {parity.samples} examples of {parity.data}: "
    if parity.not_compared:
        return f"{where}{parity.not_compared}"
    return where + (
        f"SNR {'exact' if parity.snr_db is None else f'{parity.snr_db:.2f} dB'}, cosine {parity.cosine:.6f}, "
        f"largest error {parity.max_abs_error:.4g}"
    )


def _layers(found: LayerFindings, view: View) -> Iterator[RenderableType]:
    """The layers that are furthest from the source, and the first that has left it."""
    worst = found.worst(WORST)
    if worst:
        title = f"The {len(worst)} of {len(found.layers.compared)} layers with the lowest SNR, on one example"
        shown = range(len(COLUMNS)) if view.columns >= ROOM else _NARROW
        yield table(title, [COLUMNS[at] for at in shown], ([cells(one)[at] for at in shown] for one in worst))
    yield from map(words, summary(found))
