"""`mobile-export demo`."""

from pathlib import Path

import click

from exporter.cli.commands.targets import format_option

TARGETS = ("iphone-15", "apple-watch-9", "pixel-8", "android-gpu")


@click.command(name="demo")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("demo-output"), show_default=True)
@format_option
def command(output: Path, output_format: str) -> int:
    """Train a small network on handwritten digits and run it for four targets.

    Two Apple and two Android targets, with accuracy on held-out digits. No network is needed.
    """
    from exporter.cli.outcome import finish
    from exporter.cli.progress import progress
    from exporter.use_cases.demo import run_demo

    record = run_demo(output, TARGETS, progress())
    return finish(record, output, output_format)
