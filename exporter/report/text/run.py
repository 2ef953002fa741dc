"""A run in the terminal: what failed first, a line a target, a sentence; tables of everything where they are wanted."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from exporter.data.facts.profile import Profile
from exporter.data.results.commands import RunResult
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.data.units import format_size
from exporter.report.cells import printable
from exporter.report.readings import profile_line, profile_lines
from exporter.report.renderer import View
from exporter.report.summary import outcome_words
from exporter.report.tasks import COLUMNS, rows
from exporter.report.text.console import laid_out, table, warning, words
from exporter.report.text.targets_of_run import latency_cells, parity_cells, share, target_lines
from exporter.report.text.verdicts import verdict_items


def render(result: RunResult, view: View) -> str:
    """What failed and what must be known, the targets, how it ended, and where the files are."""
    if view.quiet:
        return laid_out(_failures(result, view), view)
    return laid_out([*_items(result, view), words(_ending(result))], view)


def _ending(result: RunResult) -> str:
    outcome = outcome_words(result.record)
    if result.verified:
        return f"{outcome} Report: {result.folder / 'report.html'}"
    return f"{outcome} Not verified. Record: {result.folder / 'run.json'}"


def _failures(result: RunResult, view: View) -> Iterator[RenderableType]:
    if result.errors_shown:
        yield from _errors(result.record)
    yield from verdict_items(result.verdicts, view)


def _items(result: RunResult, view: View) -> Iterator[RenderableType]:
    record = result.record
    yield words(_title(record))
    yield from _failures(result, view)
    yield from _warnings(record)
    cached = [target.name for target in record.targets if "conversion" in target.from_cache]
    if cached:
        yield words(f"Nothing was converted for {', '.join(cached)}: the cache has it.")
    if view.verbose:
        yield from _tables(record)
    yield from _readings(record, view)
    yield from map(words, target_lines(record, view.columns))


def _title(record: RunRecord) -> str:
    license_ = f"  license {record.source.license}" if record.source.license else ""
    return f"{record.source.spec}  {format_size(record.source.size_bytes)}{license_}"


def _tables(record: RunRecord) -> Iterator[Table]:
    yield _artifacts(record)
    measured = [row for target in record.targets for parity in target.parities for row in rows(target.name, parity)]
    if measured:
        yield table("Tasks", COLUMNS, measured)


def _warnings(record: RunRecord) -> Iterator[Text]:
    for sentence in record.warnings:
        yield Text.assemble(("warning", "yellow"), printable(f": {sentence}"))
    for target in record.targets:
        yield from (warning(target.name, sentence) for sentence in target.warnings)
    for target in record.targets:
        for said in target.host.caveats if target.host else ():
            yield Text.assemble(("(!) readings here", "yellow"), printable(f" {target.name}: {said}"))


def _errors(record: RunRecord) -> Iterator[Text]:
    told = [record.error] if record.error else []
    for target in record.targets:
        told += [f"{target.name}: {error}" for error in (target.error, *target.device_errors) if error]
    return (words(sentence, "bold red") for sentence in told)


def _readings(record: RunRecord, view: View) -> Iterator[Text]:
    """What each device measured: its latency, or everything."""
    for target in record.targets:
        for profile in target.profiles:
            if not profile.error:  # told above
                yield words(f"{target.name}: {_profile(profile, view)}")


def _profile(profile: Profile, view: View) -> str:
    lines = profile_lines(profile) if view.verbose else profile_line(profile)
    return "\n".join(lines)


def _artifacts(record: RunRecord) -> Table:
    columns = ("target", "artifact", ">size", ">of float", ">SNR dB", ">top-1 %", ">p50 here", ">p90 here")
    return table("Artifacts", columns, map(_artifact_row, record.targets))


def _artifact_row(target: TargetRecord) -> list[str]:
    if target.artifact is None:
        return [target.name, "none", *["-"] * 6]
    return [
        target.name,
        target.artifact.path,
        format_size(target.artifact.size_bytes),
        share(target.artifact),
        *parity_cells(target),
        *latency_cells(target.host),
    ]
