"""How a command that ran the main job ends: reports, tables, complaints, exit code."""

from pathlib import Path

from exporter.cli.output import complain, encodable
from exporter.data.record import RunRecord


def finish(record: RunRecord, output: Path, output_format: str, *, verified: bool = True) -> int:
    """Write the reports of `record` into `output`, show it, and say on standard error what went wrong.

    Args:
        verified: whether artifacts were looked at; without, there is no report to write.

    Returns:
        The exit code.
    """
    import click

    from exporter.report.files import write_reports
    from exporter.report.text.terminal import render, render_conversion

    try:
        if verified:
            write_reports(record, output)
    finally:  # the run is done and recorded, whatever becomes of its report
        if output_format == "json":
            click.echo(encodable(record.model_dump_json(indent=1)))
        else:
            (render if verified else render_conversion)(record, output, errors=False)
        complain_of(record)
    return record.exit_code


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
