"""`mobile-export demo`."""

from pathlib import Path

import click

from exporter.cli.targets import format_option

TARGETS = ("iphone-15", "apple-watch-9", "pixel-8", "android-gpu")


@click.command(name="demo")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("demo-output"), show_default=True)
@format_option
def command(output: Path, output_format: str) -> int:
    """Train a small network on handwritten digits and run it for four targets.

    Two Apple and two Android targets, with accuracy on held-out digits. No network is needed.
    """
    from exporter.cli.progress import progress
    from exporter.pipeline.demo import run_demo
    from exporter.report.files import write_reports
    from exporter.report.terminal import render

    record = run_demo(output, TARGETS, progress())
    write_reports(record, output)
    if output_format == "json":
        click.echo(record.model_dump_json(indent=1))
    else:
        render(record, output)
    return record.exit_code
