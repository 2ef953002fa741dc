"""Entry point of `mobile-export`: the command table, and the one place that turns errors into exit codes."""

import os
import sys
from typing import Any

import click

from exporter import __version__
from exporter.cli.lazy import CommandEntry, LazyGroup
from exporter.cli.output import complain
from exporter.cli.streams import steady_streams
from exporter.data.errors import code_of, sentence_of
from exporter.execution.garbage import process_is_ours
from exporter.execution.interrupts import interrupted, noticing_interrupts

COMMANDS = {
    "run": CommandEntry(
        "exporter.cli.commands.run",
        "Convert MODEL for each target; verify, inspect, gate and measure the artifacts; write a report.",
    ),
    "check": CommandEntry(
        "exporter.cli.commands.check",
        "Say of each operator of MODEL whether each target takes it, in seconds and before converting.",
    ),
    "compress": CommandEntry(
        "exporter.cli.commands.compress",
        "Compress MODEL by a recipe: distill, prune, share, quantize or factorize its weights; write a .pt2 file.",
    ),
    "search": CommandEntry(
        "exporter.cli.commands.search",
        "Find how MODEL is best compressed for each target: inside every budget, at the least loss.",
    ),
    "demo": CommandEntry(
        "exporter.cli.commands.demo", "Train a small network on handwritten digits and run it for four targets."
    ),
    "convert": CommandEntry(
        "exporter.cli.commands.convert", "Convert MODEL for each target and gate the size, without running anything."
    ),
    "verify": CommandEntry(
        "exporter.cli.commands.verify",
        "Compare ARTIFACT, a converted model that anyone made, with the MODEL that it came from.",
    ),
    "inspect": CommandEntry(
        "exporter.cli.commands.inspect",
        "Show what is inside a converted model: operators, types, bytes, sparsity, quantization.",
    ),
    "handoff": CommandEntry(
        "exporter.cli.commands.handoff",
        "Make a folder beside each artifact of RUN that an app team drops into its project.",
    ),
    "report": CommandEntry(
        "exporter.cli.commands.report",
        "Show a run.json again: as tables, as JSON of the current schema, as a page, or as a report for CI.",
    ),
    "devices": CommandEntry(
        "exporter.cli.commands.devices",
        "List this machine, every Apple device and every device behind adb, each with its state and what to do.",
    ),
    "profile": CommandEntry(
        "exporter.cli.commands.profile",
        "Measure latency, processor time, memory and energy of a model file on this machine or on devices.",
    ),
    "doctor": CommandEntry(
        "exporter.cli.commands.doctor",
        "Say what works on this machine, what does not, and the command that mends it.",
    ),
    "lab": CommandEntry(
        "exporter.cli.commands.lab",
        "Serve the devices of hosts to everybody, see who uses which, and break a lease by hand.",
    ),
    "targets": CommandEntry(
        "exporter.cli.commands.targets", "List, show and check the targets that models are exported for."
    ),
    "schema": CommandEntry(
        "exporter.cli.commands.schema",
        "Print the JSON Schema of a document: run.json, or a file of targets, budgets, a plan or an inventory.",
    ),
    "budget": CommandEntry(
        "exporter.cli.commands.budget",
        "Measure download and install sizes and judge them by store rules, budgets and a baseline.",
    ),
    "compare": CommandEntry(
        "exporter.cli.commands.compare",
        "Show why an artifact or a run grew: bytes by layer, dtype and file, largest change first.",
    ),
    "history": CommandEntry(
        "exporter.cli.commands.history",
        "Keep runs; show how figures went from run to run, and which commit changed them; gate a release.",
    ),
}

INTERRUPTED = 130
COMPLETES = "_MOBILE_EXPORT_COMPLETE"
"""The variable by which a shell asks for completions."""
# No fault, so that --debug has nothing to show.
_PLAIN = (click.exceptions.Abort, click.ClickException)


class Program(LazyGroup):
    """The top-level group; reports expected errors as one message and keeps tracebacks for `--debug`."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and exit with 0, 1, 2 or 3 as documented in the README, or 130 after Ctrl-C."""
        kwargs["standalone_mode"] = False
        if COMPLETES in os.environ:
            _complete_colons()
        process_is_ours()
        steady_streams()
        with noticing_interrupts():
            try:
                code = super().main(*args, **kwargs)
                sys.stdout.flush()
            except Exception as error:
                if _debugging() and not interrupted() and not isinstance(error, _PLAIN):
                    raise
                # Some libraries turn the KeyboardInterrupt that reaches them into an error of their own.
                sys.exit(_interrupted() if interrupted() else _failed(error))
        sys.exit(code if isinstance(code, int) else 0)


def _complete_colons() -> None:
    from exporter.cli.completion import install

    install()


def _interrupted() -> int:
    complain("Interrupted. Nothing half-written was kept; run the same command again to go on.")
    return INTERRUPTED


def _failed(error: Exception) -> int:
    """Say what is wrong; gives the exit code."""
    match error:
        case click.exceptions.Abort():
            return _interrupted()
        case click.ClickException():
            error.show()
            return error.exit_code
        case _:
            complain(sentence_of(error))
            return code_of(error)


def _debugging() -> bool:
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().params.get("debug")) or "--debug" in sys.argv[1:2]


@click.group(cls=Program, entries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, "-V", "--version", prog_name="mobile-export")
def main(debug: bool) -> None:
    """Compress a PyTorch model, convert it to Core ML, TFLite and ONNX, and prove that it still works.

    Exit codes: 0 all gates passed, 1 a gate failed, 2 wrong usage or configuration, 3 a tool or device failed.
    """
    if debug:
        import logging

        logger = logging.getLogger("exporter")
        logger.addHandler(logging.StreamHandler())
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
