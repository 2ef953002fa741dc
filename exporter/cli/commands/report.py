"""`mobile-export report`: render a record again."""

from pathlib import Path

import click


@click.command(name="report")
@click.argument("run_json", type=click.Path(path_type=Path))
@click.option("-f", "--format", "output_format", type=click.Choice(["text", "json", "html", "markdown"]),
              default="text", show_default=True)  # fmt: skip
@click.option(
    "--baseline", type=click.Path(path_type=Path), metavar="RUN.JSON", help="html: draw what grew since then."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File for all but text.  [default: stdout]"
)
def command(run_json: Path, output_format: str, baseline: Path | None, output: Path | None) -> int:
    """Show a run.json again: as tables, as JSON of the current schema, as the HTML report, or as Markdown.

    The exit code is the one that the run had.
    """
    from exporter.store.output import write_text
    from exporter.store.runs import load_record

    record = load_record(run_json)
    if output_format == "text":
        from exporter.report.text.terminal import render

        render(record, run_json.parent)
        return record.exit_code
    if output_format == "json":
        text = record.model_dump_json(indent=1)
    elif output_format == "markdown":
        from exporter.report.text.run_markdown import render_run_markdown

        text = render_run_markdown(record)
    else:
        from exporter.report.html.page import render_html

        text = render_html(record, _growth(baseline, run_json) if baseline else None)
    if output is None:
        click.echo(text)
    else:
        write_text(output, text)
    return record.exit_code


def _growth(before: Path, after: Path) -> str:
    """A treemap of the two runs' layers."""
    from exporter.report.html.treemap import diff_treemap
    from exporter.sizes.diff import compare_sizes

    return diff_treemap(compare_sizes(before, after))
