"""Renders what `mobile-export budget` found in each of its formats."""

import json
from collections.abc import Iterator

from exporter.data.sizes import ByteCount, Measurement
from exporter.data.verdict import Status, Verdict
from exporter.gates.baseline import SubjectSizes
from exporter.report.rows import SizeRow, change_cell, size_cell
from exporter.report.text.tables import one_line, text_table
from exporter.use_cases.budget import SizeReport

SCHEMA_VERSION = 1


def render(found: SizeReport, form: str, code: int) -> str:
    """The report in `form`, with a line end at its end."""
    if form == "json":
        return _json(found, code)
    if form == "junit":
        from exporter.report.ci.junit import render_junit

        return render_junit(found.verdicts, name="mobile-export budget")
    if form == "sarif":
        from exporter.report.ci.sarif import render_sarif

        return render_sarif(found.verdicts)
    if form == "github":
        from exporter.report.ci.github import render_github

        return render_github(found.verdicts)
    if form == "gitlab":
        from exporter.report.ci.gitlab import render_gitlab

        return render_gitlab(found.verdicts)
    if form == "markdown":
        from exporter.report.text.markdown import render_markdown

        return render_markdown(found.verdicts, rows_of(found)) + "\n"
    return _text(found)


def rows_of(found: SizeReport) -> list[SizeRow]:
    """A row for each subject, under it one for each of several parts, and one for the total."""
    alone = len(found.measurements) == 1
    rows = []
    for one in found.measurements:
        before = found.baseline.find(one.subject, alone=alone) if found.baseline else None
        rows.append(_row(one, before))
        if len(one.parts) > 1:
            rows += list(_inside(one, before))
    if found.total is not None:
        rows.append(_row(found.total, None))
    return rows


def _row(one: Measurement, before: SubjectSizes | None) -> SizeRow:
    return SizeRow(
        subject=one.subject,
        download=_value(one.download),
        install=_value(one.install),
        download_before=_value(before.download) if before else None,
        install_before=_value(before.install) if before else None,
        estimated=bool((one.download and one.download.estimated) or (one.install and one.install.estimated)),
    )


def _inside(one: Measurement, before: SubjectSizes | None) -> Iterator[SizeRow]:
    unknown_install = one.install is None
    for part in one.parts:
        old = before.models.get(part.name) if before and part.role == "model" else None
        yield SizeRow(
            subject=part.name if part.role != "rest" or part.name != "rest" else "everything else",
            download=part.download_bytes,
            install=None if unknown_install else part.install_bytes,
            download_before=_value(old.download) if old else None,
            install_before=_value(old.install) if old else None,
            inside=True,
        )


def _value(size: ByteCount | None) -> int | None:
    return None if size is None else size.value


def _json(found: SizeReport, code: int) -> str:
    document = {
        "schema_version": SCHEMA_VERSION,
        "subjects": [one.model_dump(mode="json", exclude={"files"}) for one in found.measurements],
        "total": None if found.total is None else found.total.model_dump(mode="json", exclude={"files"}),
        "verdicts": [verdict.model_dump(mode="json") for verdict in found.verdicts],
        "exit_code": code,
    }
    return json.dumps(document, indent=2) + "\n"


def _text(found: SizeReport) -> str:
    rows = rows_of(found)
    table = [
        [
            f"  {row.subject}" if row.inside else row.subject,
            size_cell(row.download, estimated=row.estimated),
            change_cell(row.download, row.download_before),
            size_cell(row.install, estimated=row.estimated),
            change_cell(row.install, row.install_before),
        ]
        for row in rows
    ]
    lines = text_table(["", "download", "", "install", ""], table, markdown=False)
    lines += [f"note: {one_line(one.subject)}: {note}." for one in found.measurements for note in one.notes]
    if any(row.estimated for row in rows):
        lines.append("~ estimated; `-f json` says how")
    if found.verdicts:
        lines += ["", *(_verdict(verdict) for verdict in found.verdicts)]
    return "\n".join(lines) + "\n"


def _verdict(verdict: Verdict) -> str:
    failed = "FAILED" if verdict.severity == "error" else "waived" if verdict.waiver else "warning"
    word = {Status.PASSED: "passed", Status.NOT_CHECKED: "not checked"}.get(verdict.status, failed)
    waiver = f" ({one_line(verdict.waiver)})" if verdict.waiver else ""
    return f"{word:11}  {one_line(verdict.subject)}  {verdict.metric}: {one_line(verdict.reason)}{waiver}"
