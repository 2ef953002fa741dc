"""How a command that ran the main job ends: the page, the reports asked for, complaints, the exit code."""

from dataclasses import replace

from exporter.cli.output import complain
from exporter.cli.reporter import Reporter
from exporter.data.results.commands import RunResult
from exporter.data.results.record import RunRecord
from exporter.use_cases.report import write_page


def finish(result: RunResult, reporter: Reporter) -> int:
    """Write the page of a verified run, show the result, and say on standard error what went wrong.

    Returns:
        The exit code.
    """
    try:
        if result.verified:
            write_page(result)
    finally:  # the run is done and recorded, whatever becomes of its page
        reporter.report(replace(result, errors_shown=False))
        complain_of(result.record)
    return result.exit_code


def complain_of(record: RunRecord) -> None:
    """Write each error of a run to standard error, once where several targets share it."""
    shared: dict[str, list[str]] = {}
    for target in record.targets:
        for error in filter(None, (target.error, *target.device_errors)):
            shared.setdefault(error, []).append(target.name)
    if record.error:
        complain(record.error)
    for error, names in shared.items():
        complain(f"{', '.join(names)}: {error}")
