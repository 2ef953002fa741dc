"""`mobile-export inspect`: what is inside an artifact."""

import json
from pathlib import Path

import click

from exporter.cli.commands.targets import format_option


@click.command(name="inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layers", type=click.IntRange(0), default=15, show_default=True, metavar="N", help="Layers to show.")
@format_option
def command(file: Path, layers: int, output_format: str) -> int:
    """Show what is inside a converted model: operators, types, bytes, sparsity, quantization."""
    from exporter.formats.files import inspect

    inspection = inspect(file)
    if output_format == "json":
        click.echo(json.dumps({"schema_version": 1, "inspection": inspection.model_dump(mode="json")}, indent=1))
        return 0
    from exporter.report.text.inspection import render

    render(inspection, layers)
    return 0
