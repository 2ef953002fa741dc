"""Options that say what is measured, over a plan's file: how often, under which settings, with which inputs."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from exporter.cli.options.quantities import SPAN
from exporter.config.plans import load_plan
from exporter.data.errors import UsageProblem
from exporter.use_cases.devices.inputs import Given
from profilers.paired import TURNS
from profilers.plan import ProfilePlan
from profilers.sweep import Setting, settings_of

Command = TypeVar("Command", bound=Callable[..., Any])
SWEEP = {"energy_repeats": 0, "cold_loads": 0}
"""Of the plan of several settings: energy and cold loads take a plan of one's own."""
AROUND_S = 60.0
"""A process may go on for so long beyond its sustained run."""


class Asked(NamedTuple):
    """What is measured.

    Attributes:
        file: of the plan; None for the usual one.
        quick: a desk check.
        changes: what the options change in it.
        settings: that are swept.
        given: inputs, shapes and signature.
    """

    file: Path | None
    quick: bool
    changes: dict[str, Any]
    settings: tuple[Setting, ...]
    given: Given

    def plan(self, *, several: bool) -> ProfilePlan:
        """The plan of one model, or of several that are held against each other.

        Raises:
            UsageProblem: it cannot be.
        """
        usual: dict[str, Any] = dict(SWEEP) if self.settings and self.file is None else {}
        if several and self.file is None and not self.quick:
            usual = dict(TURNS)
        changes = {**usual, **self.changes}
        if self.file is not None and self.quick:
            raise UsageProblem("--plan and --quick exclude each other: write quick = true into the plan.")
        if self.file is not None:
            return load_plan(self.file, **changes)
        try:
            return ProfilePlan.desk_check(**changes) if self.quick else ProfilePlan.model_validate(changes)
        except ValueError as error:
            raise UsageProblem(f"the plan: {error}") from error


def plan_options(command: Command) -> Command:
    """Add the options to a command; it gets them as `asked`."""

    @functools.wraps(command)
    def with_plan(*args: Any, **given: Any) -> Any:
        named = {name: given.pop(name) for name in _TAKEN}
        return command(*args, asked=_asked(**named), **given)

    wrapped: Any = with_plan
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    found: Command = wrapped
    return found


def _asked(
    plan_file: Path | None,
    quick: bool,
    repeat: int | None,
    threads: int | None,
    accelerator: str | None,
    no_energy: bool,
    sustained_s: float | None,
    op_profile: bool,
    sweep: Sequence[str],
    input_files: tuple[str, ...],
    input_shapes: tuple[str, ...],
    signature: str | None,
) -> Asked:
    changes: dict[str, Any] = {"processes": repeat, "threads": threads, "accelerator": accelerator}
    changes = {key: value for key, value in changes.items() if value is not None}
    if no_energy:
        changes["energy_repeats"] = 0
    if op_profile:
        changes["op_profile"] = True
    if sustained_s is not None:
        changes |= {"sustained_s": sustained_s, "limit_s": max(600.0, sustained_s + AROUND_S)}
    return Asked(plan_file, quick, changes, _settings(sweep, changes), Given(input_files, input_shapes, signature))


def _settings(sweep: Sequence[str], changes: dict[str, Any]) -> tuple[Setting, ...]:
    if not sweep:
        return ()
    try:
        found = settings_of(sweep)
    except ValueError as error:
        raise UsageProblem(f"--sweep: {error}.") from error
    twice = [name for name, _ in found[0].changes if name in changes]
    if twice:
        raise UsageProblem(f"--sweep {twice[0]}=... and --{twice[0]} exclude each other.")
    return found


_OPTIONS = (
    click.option(
        "--plan",
        "plan_file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="A plan as TOML or JSON; see docs/profiling.md.",
    ),
    click.option("--quick", is_flag=True, help="A desk check of seconds; marked as such, and judged by no budget."),
    click.option("--repeat", type=click.IntRange(min=1), metavar="N", help="Processes to measure in; over the plan's."),
    click.option("--threads", type=click.IntRange(min=1), metavar="N", help="CPU threads; over the plan's."),
    click.option("--accelerator", type=click.Choice(["cpu", "gpu", "npu"]), help="Unit to run on; over the plan's."),
    click.option("--no-energy", is_flag=True, help="Leave out the energy phases, which take minutes."),
    click.option(
        "--sustained",
        "sustained_s",
        type=SPAN,
        metavar="TIME",
        help="Run so long without pause too, such as '10 min': how latency, heat and frequencies go.",
    ),
    click.option("--op-profile", is_flag=True, help="Time every operator too, in a run of its own."),
    click.option(
        "--sweep",
        multiple=True,
        metavar="NAME=A,B",
        help="Measure under each setting, in turns: threads=1,2,4, cpus=little,big, accelerator=cpu,gpu. Repeatable.",
    ),
    click.option(
        "--input",
        "input_files",
        multiple=True,
        metavar="[NAME=]FILE",
        help="Values of an input, .npy or .npz, instead of random ones. Repeatable.",
    ),
    click.option(
        "--input-shape",
        "input_shapes",
        multiple=True,
        metavar="NAME=1,224,224,3",
        help="Shape of an input that the file leaves open. Repeatable.",
    ),
    click.option(
        "--signature", metavar="NAME", help="The signature to run, of a format that has some.  [default: the first]"
    ),
)
_TAKEN = (
    *("plan_file", "quick", "repeat", "threads", "accelerator", "no_energy", "sustained_s", "op_profile"),
    *("sweep", "input_files", "input_shapes", "signature"),
)
