"""A run as tables in the terminal."""

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from exporter.data.facts.artifact import Artifact
from exporter.data.facts.parity import Parity
from exporter.data.facts.profile import Measured
from exporter.data.results.commands import RunResult
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.data.units import format_size, format_time
from exporter.data.verdict import Status, Verdict, worst_first
from exporter.report.cells import printable
from exporter.report.readings import latency_percentiles, profile_lines
from exporter.report.renderer import View
from exporter.report.summary import outcome_words, verdict_value
from exporter.report.tasks import COLUMNS, rows
from exporter.report.text.console import laid_out, table, warning, words

_STYLES = {Status.PASSED: "green", Status.FAILED: "bold red", Status.NOT_CHECKED: "yellow"}


def render(result: RunResult, view: View) -> str:
    """Artifacts, verdicts, warnings, readings, and where the files are."""
    return laid_out([*_items(result), words(_ending(result))], view)


def _ending(result: RunResult) -> str:
    outcome = outcome_words(result.record)
    if result.verified:
        return f"{outcome} Report: {result.folder / 'report.html'}"
    return f"{outcome} Not verified. Record: {result.folder / 'run.json'}"


def _items(result: RunResult) -> Iterator[RenderableType]:
    record = result.record
    yield _artifacts(record)
    measured = [row for target in record.targets for parity in target.parities for row in rows(target.name, parity)]
    if measured:
        yield table("Tasks", COLUMNS, measured)
    yield verdict_table(record.verdicts())
    for sentence in record.warnings:
        yield Text.assemble(("warning", "yellow"), printable(f": {sentence}"))
    if result.errors_shown:
        yield from _errors(record)
    for target in record.targets:
        yield from (warning(target.name, sentence) for sentence in target.warnings)
    for target in record.targets:
        yield from _readings(target)
    cached = [target.name for target in record.targets if "conversion" in target.from_cache]
    if cached:
        yield words(f"Nothing was converted for {', '.join(cached)}: the cache has it.")


def _errors(record: RunRecord) -> Iterator[Text]:
    told = [record.error] if record.error else []
    for target in record.targets:
        told += [f"{target.name}: {error}" for error in (target.error, *target.device_errors) if error]
    return (words(sentence, "bold red") for sentence in told)


def _readings(target: TargetRecord) -> Iterator[Text]:
    """What must be said of this machine's readings, and what each device measured."""
    for said in target.host.caveats if target.host else ():
        yield Text.assemble(("(!) readings here", "yellow"), printable(f" {target.name}: {said}"))
    for profile in target.profiles:
        if not profile.error:  # told above
            first, *rest = profile_lines(profile, verdicts=False)
            yield words("\n".join([f"{target.name}: {first}", *rest]))


def _artifacts(record: RunRecord) -> Table:
    title = f"{record.source.spec}  {format_size(record.source.size_bytes)}"
    title += f"  license {record.source.license}" if record.source.license else ""
    columns = ("target", "artifact", ">size", ">of float", ">SNR dB", ">top-1 %", ">p50 here", ">p90 here")
    return table(title, columns, map(_artifact_row, record.targets))


def _artifact_row(target: TargetRecord) -> list[str]:
    if target.artifact is None:
        return [target.name, "none", *["-"] * 6]
    return [
        target.name,
        target.artifact.path,
        format_size(target.artifact.size_bytes),
        _share(target.artifact),
        *_parity_cells(target.parities[0] if target.parities else None),
        *_latency_cells(target.host),
    ]


def _share(artifact: Artifact) -> str:
    return f"{artifact.size_bytes / artifact.twin_size_bytes:.0%}" if artifact.twin_size_bytes else "-"


def _parity_cells(parity: Parity | None) -> list[str]:
    if parity is None:
        return ["-", "-"]
    snr = "-" if parity.not_compared else "exact" if parity.snr_db is None else f"{parity.snr_db:.1f}"
    return [snr, "-" if parity.top1 is None else f"{100 * parity.top1:.2f}"]


def _latency_cells(measured: Measured | None) -> list[str]:
    latency = latency_percentiles(measured)
    if measured is None or latency is None:
        return ["-", "-"]
    mark = " (!)" if measured.caveats else ""  # told in full below the tables
    return [format_time(latency[rank]) + mark for rank in ("p50", "p90")]


def verdict_table(verdicts: Iterable[Verdict]) -> Table:
    """Verdicts, the worst first."""
    columns = ("verdict", "target", "metric", ">value", ">limit", "reason")
    return table("Verdicts, the worst first", columns, map(_verdict_row, worst_first(verdicts)))


def _verdict_row(verdict: Verdict) -> list[str | Text]:
    status = Text(verdict.status, _STYLES[verdict.status])
    return [status, verdict.subject, verdict.metric, *verdict_value(verdict), verdict.reason]
