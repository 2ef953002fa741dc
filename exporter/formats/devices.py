"""How a format's artifacts are measured on devices: which of them run it, with which runners, on which unit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from device_harness.finder import DeviceKind
from device_harness.protocol import Device
from profilers.bench import Bench
from profilers.plan import ProfilePlan
from profilers.stages.outputs import Reference


class RunnerChoice(NamedTuple):
    """What runs the models, by the user's choice.

    Attributes:
        name: ``auto``, or one of `DeviceSupport.runners`.
        binary: a program that lies on this machine is pushed; any other text is a path on the device.
        library: likewise, the runtime's.
        app: one of this machine, which runs the models in the foreground.
        instruments: whether Instruments records in a run apart, where it can.
        libraries: folder of this machine with the libraries of accelerators for the device.
        reference: whether outputs are compared with this machine's, where the format's are.
        inputs: raw bytes of every input by tensor, in the model's order; empty for random values.
    """

    name: str = "auto"
    binary: str | None = None
    library: str | None = None
    app: str | None = None
    instruments: bool = False
    libraries: str | None = None
    reference: bool = True
    inputs: Mapping[str, Path] = {}


class Port(NamedTuple):
    """An input of a model.

    Attributes:
        name: of its tensor, by which runners know it.
        alias: what the model's signature calls it; its name where that has none.
        dtype: numpy's name.
        shape: -1 where a dimension may have any length.
    """

    name: str
    alias: str
    dtype: str
    shape: tuple[int, ...]


class RunnerOption(NamedTuple):
    """An option of the command line that a format's runners take.

    Attributes:
        flag: as it is typed.
        sets: the field of `RunnerChoice`.
        help: one sentence.
        takes_path: whether it takes one; else it is a switch.
        here: whether it must be a file of this machine; else it may lie on the device.
    """

    flag: str
    sets: Literal["binary", "library", "app", "instruments", "libraries"]
    help: str
    takes_path: bool = True
    here: bool = False


class References(NamedTuple):
    """Outputs of this machine by model, and why others have none."""

    found: Mapping[Path, Reference] = {}
    missing: Mapping[Path, str] = {}


class DeviceSupport(Protocol):
    """What `profile` and `run --device` ask of a format.

    Attributes:
        subject: an artifact in a sentence: ``a Core ML model``.
        here: the serial of this machine as a device of the format.
        runners: that can be chosen by name.
        compares_outputs: whether outputs are compared with this machine's.
        options: of the command line, for what its runners need; none of another format's.
    """

    subject: str
    here: str
    runners: tuple[str, ...]
    compares_outputs: bool
    options: tuple[RunnerOption, ...]

    def runs_on(self, kind: DeviceKind) -> bool:
        """Whether artifacts can be measured on devices of this kind."""
        ...

    def planned(self, plan: ProfilePlan, target: Any) -> tuple[ProfilePlan, tuple[str, ...]]:
        """`plan` with the target's accelerator, and a sentence where the plan itself says another one.

        Args:
            plan: whose accelerator counts where there is no target.
            target: of the format's own type, or None.
        """
        ...

    def ports(self, model: Path, signature: str | None) -> tuple[Port, ...]:
        """The inputs of a model, in order.

        Raises:
            UsageProblem: inputs cannot be given to models of this format, or it has no such signature.
        """
        ...

    def references(
        self, models: Sequence[Path], folder: Path, plan: ProfilePlan, inputs: Mapping[str, Path]
    ) -> References:
        """Outputs of this machine, with the files in `folder`; `inputs` as `RunnerChoice` has them."""
        ...

    def bench(
        self, device: Device, choice: RunnerChoice, plan: ProfilePlan, target: Any, references: References
    ) -> Bench[Any]:
        """What measures on an open device.

        Raises:
            DeviceError: the runner cannot be built or found; the message says what to install or give.
        """
        ...


def accelerator_note(planned: str, target: str, used: str) -> str:
    """Which of plan and target won."""
    return f"the plan says accelerator {planned!r} and target {target} {used!r}: the target's was asked for"
