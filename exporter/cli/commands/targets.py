"""`mobile-export targets`: list, show, check, schema."""

import json
from pathlib import Path

import click

from exporter.config.files import summaries

targets_option = click.option(
    "--targets", "targets_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Targets of your own, over the presets. Default: targets.toml in this folder.",
)  # fmt: skip
format_option = click.option(
    "-f", "--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@click.group(name="targets")
def command() -> None:
    """List, show and check the targets that models are exported for."""


@command.command(name="list")
@targets_option
@format_option
def list_targets(targets_file: Path | None, output_format: str) -> None:
    """List every target: its name, format, minimum OS and description."""
    rows = summaries(targets_file)
    if output_format == "json":
        click.echo(json.dumps({"schema_version": 1, "targets": [row._asdict() for row in rows]}, indent=2))
        return
    widths = [max(len(str(row[column])) for row in rows) for column in range(3)]
    for row in rows:
        click.echo(
            "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row.description])
        )


@command.command()
@click.argument("name")
@targets_option
@format_option
def show(name: str, targets_file: Path | None, output_format: str) -> None:
    """Show every setting of target NAME, defaults included."""
    from exporter.config.targets import load_targets

    target = load_targets([name], user_file=targets_file)[0]
    data = target.model_dump(mode="json")
    if output_format == "json":
        click.echo(json.dumps({"schema_version": 1, "target": data}, indent=2))
    else:
        click.echo(_toml_like(data))


@command.command()
@targets_option
@format_option
def check(targets_file: Path | None, output_format: str) -> int:
    """Check every target and report all errors. Exit code 2 when there are any."""
    from exporter.config.files import target_tables
    from exporter.config.targets import check_table

    tables = target_tables(targets_file)
    problems = {name: found for name in tables if isinstance(found := check_table(name, tables), list)}
    if output_format == "json":
        rows = [{"name": name, "errors": problems.get(name, [])} for name in tables]
        click.echo(json.dumps({"schema_version": 1, "targets": rows}, indent=2))
    else:
        for sentences in problems.values():
            for sentence in sentences:
                click.echo(sentence, err=True)
        click.echo(f"{len(tables) - len(problems)} of {len(tables)} targets are well-formed.")
    return 2 if problems else 0


@command.command()
def schema() -> None:
    """Print the JSON Schema of a targets file, for editors; the same as `mobile-export schema targets`."""
    from exporter.use_cases.schema import schema_text

    click.echo(schema_text("targets"), nl=False)


def _toml_like(data: dict[str, object], prefix: str = "") -> str:
    lines, tables = [], []
    for key, value in data.items():
        if isinstance(value, dict):
            tables.append(_toml_like(value, f"{prefix}{key}."))
        elif value is not None:
            lines.append(f"{prefix}{key} = {json.dumps(value)}")
    return "\n".join([*lines, *filter(None, tables)])
