"""What a lab tells of itself: its devices, their state, and what stood beside a measurement."""

from datetime import datetime
from typing import Literal

from device_harness.facts import DeviceInfo
from device_harness.lease import Lease
from exporter.data.base import Frozen

State = Literal["ready", "measuring", "in use", "leaving", "offline", "unauthorized", "unavailable"]


class LabDevice(Frozen):
    """A device of a lab.

    Attributes:
        name: no other device of the lab has it: ``SERIAL@HOST``.
        host: that it is on.
        info: as its host sees it.
        labels: of the host's inventory.
        formats: that can be measured on it.
        state: ``ready`` takes a job; ``measuring`` has one of the lab; ``in use`` is leased by somebody else;
            ``leaving`` takes no other job; else why it cannot be used.
        job: that it is at; None where it is at none.
        lease: who uses it; None where this host knows of nobody.
        since: of the state.
    """

    name: str
    host: str
    info: DeviceInfo
    labels: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    state: State = "ready"
    job: str | None = None
    lease: Lease | None = None
    since: datetime

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that `--device` may call it."""
        return (self.name, *self.info.names, *(f"{name}@{self.host}" for name in self.info.names))


class LabReport(Frozen):
    """What a process of a lab tells with every heartbeat: its device, or of the host what has no process.

    Attributes:
        host: its name.
        program: what it is; who sends it work must be the same.
        devices: one that takes jobs, or those of the host that take none.
        problems: what keeps the host from seeing devices.
        is_host: whether it is the host's own process, which takes files.
    """

    host: str
    program: dict[str, str]
    devices: tuple[LabDevice, ...] = ()
    problems: tuple[str, ...] = ()
    is_host: bool = False


class LabPlace(Frozen):
    """Where in a lab a measurement was made, and what its host did meanwhile.

    Attributes:
        host: its name.
        job: of the lab; no other has it.
        cpu_share: of all processors of the host, how much was busy on average, the measurement's own part included.
        beside: how many other jobs of the lab the host had at once, at most.
    """

    host: str
    job: str
    cpu_share: float
    beside: int

    def told(self) -> str:
        """In a sentence without its full stop."""
        others = f" and {self.beside} other job{'s' if self.beside > 1 else ''} of the lab" if self.beside else ""
        return f"its host {self.host} had {self.cpu_share:.0%} of its processors busy{others} meanwhile"


class Night(Frozen):
    """What a phone gave of a reference model once, for those that come after it.

    Attributes:
        schema_version: of this form.
        at: when it was measured.
        device: name in the lab.
        sha256: of the model.
        conditions: what must be equal for two nights to be comparable: runner, threads, system.
        latency_s: the median of all inferences.
        accepted: whether what came before it does not count any more, by somebody's word.
        drifted: whether it was found far from those before it, so that none is held against it.
    """

    schema_version: int = 1
    at: datetime
    device: str
    sha256: str
    conditions: dict[str, str]
    latency_s: float
    accepted: bool = False
    drifted: bool = False
