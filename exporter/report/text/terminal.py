"""A run as tables in the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.data.record import RunRecord, TargetRecord
from exporter.data.units import format_size, format_time
from exporter.data.verdict import Status, Verdict, worst_first
from exporter.report.summary import (
    latency_percentiles,
    outcome_words,
    verdict_value,
)
from exporter.report.text.console import plain_console
from exporter.report.text.profiles import profile_lines

_STYLES = {Status.PASSED: "green", Status.FAILED: "bold red", Status.NOT_CHECKED: "yellow"}


def render(record: RunRecord, output: Path, *, errors: bool = True) -> None:
    """Print artifacts, verdicts, warnings, and where the files are, to standard output.

    Args:
        errors: print what went wrong too; not where standard error says it.
    """
    console = plain_console()
    _render_record(console, record, errors=errors)
    console.print(f"{outcome_words(record)} Report: {output / 'report.html'}")


def render_conversion(record: RunRecord, output: Path, *, errors: bool = True) -> None:
    """Print what a conversion made; `errors` as for `render`."""
    console = plain_console()
    _render_record(console, record, errors=errors)
    console.print(f"{outcome_words(record)} Not verified. Record: {output / 'run.json'}")


def warn(console: Console, subject: str, words: str) -> None:
    """Print a warning about `subject`."""
    console.print(Text.assemble(("warning", "yellow"), f" {subject}: {words}"))


def _render_record(console: Console, record: RunRecord, *, errors: bool) -> None:
    console.print(_artifacts(record))
    console.print(verdict_table(record.verdicts()))
    for warning in record.warnings:
        console.print(Text.assemble(("warning", "yellow"), f": {warning}"))
    if record.error and errors:
        console.print(record.error, style="bold red")
    for target in record.targets:
        for error in (target.error, *target.device_errors):
            if error and errors:
                console.print(f"{target.name}: {error}", style="bold red")
        for warning in target.warnings:
            warn(console, target.name, warning)
    _render_readings(console, record)
    cached = [target.name for target in record.targets if "conversion" in target.from_cache]
    if cached:
        console.print(f"Nothing was converted for {', '.join(cached)}: the cache has it.")


def _render_readings(console: Console, record: RunRecord) -> None:
    """What must be said of this machine's readings, and what each device measured."""
    for target in record.targets:
        for words in target.host.caveats if target.host else ():
            console.print(Text.assemble(("(!) readings here", "yellow"), f" {target.name}: {words}"))
        for item in target.profiles:
            if not item.error:  # told above
                lines = profile_lines(item, verdicts=False)
                console.print("\n".join([f"{target.name}: {lines[0]}", *lines[1:]]))


def _artifacts(record: RunRecord) -> Table:
    table = Table(title=f"{record.source.spec}  {format_size(record.source.size_bytes)}", title_justify="left")
    for column in ("target", "artifact"):
        table.add_column(column)
    for column in ("size", "of float", "SNR dB", "top-1 %", "p50 here", "p90 here"):
        table.add_column(column, justify="right")
    for target in record.targets:
        table.add_row(*_artifact_row(target))
    return table


def _artifact_row(target: TargetRecord) -> list[str]:
    if target.artifact is None:
        return [target.name, "none", *["-"] * 6]
    artifact = target.artifact
    parity = target.parities[0] if target.parities else None
    latency = latency_percentiles(target.host)
    # Told in full below the tables.
    mark = " (!)" if target.host and target.host.caveats else ""
    share = f"{artifact.size_bytes / artifact.twin_size_bytes:.0%}" if artifact.twin_size_bytes else "-"
    return [
        target.name,
        artifact.path,
        format_size(artifact.size_bytes),
        share,
        "-" if parity is None else ("exact" if parity.snr_db is None else f"{parity.snr_db:.1f}"),
        "-" if parity is None or parity.top1 is None else f"{100 * parity.top1:.2f}",
        format_time(latency["p50"]) + mark if latency else "-",
        format_time(latency["p90"]) + mark if latency else "-",
    ]


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Verdicts, the worst first."""
    table = Table(title="Verdicts, the worst first", title_justify="left")
    table.add_column("verdict")
    table.add_column("target")
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("limit", justify="right")
    table.add_column("reason")
    for verdict in worst_first(verdicts):
        value, limit = verdict_value(verdict)
        status = Text(verdict.status, _STYLES[verdict.status])
        table.add_row(status, verdict.subject, verdict.metric, value, limit, verdict.reason)
    return table
