"""`mobile-export inspect`: what is inside an artifact."""

from pathlib import Path

import click

from exporter.cli.options.report import report_options
from exporter.cli.reporter import Reporter


@click.command(name="inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layers", type=click.IntRange(0), default=15, show_default=True, metavar="N", help="Layers to show.")
@report_options("inspect")
def command(file: Path, layers: int, reporter: Reporter) -> int:
    """Show what is inside a converted model: operators, types, bytes, sparsity, quantization."""
    from exporter.use_cases.inspect import inspect_artifact

    return reporter.report(inspect_artifact(file), rows=layers)
