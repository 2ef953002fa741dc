"""What the commands found that list something: targets, devices, and who uses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from exporter.data.results.commands import Unjudged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from device_harness.facts import DeviceInfo
    from device_harness.lease import Lease
    from exporter.data.settings.target import Target


class TargetSummary(NamedTuple):
    """One line of `targets list`."""

    name: str
    format: str
    minimum_os: str
    description: str


@dataclass(frozen=True)
class TargetsResult(Unjudged):
    """Every target there is, unchecked."""

    rows: tuple[TargetSummary, ...]

    kind: ClassVar[str] = "targets"
    title: ClassVar[str] = "Targets"

    def document(self) -> dict[str, Any]:
        """One object a target."""
        return {"targets": [row._asdict() for row in self.rows]}


@dataclass(frozen=True)
class TargetResult(Unjudged):
    """One target with every setting, defaults included."""

    target: Target

    kind: ClassVar[str] = "target"

    @property
    def title(self) -> str:
        """Its name."""
        return self.target.name

    def document(self) -> dict[str, Any]:
        """Its settings."""
        return {"target": self.target}


@dataclass(frozen=True)
class TargetsCheckResult(Unjudged):
    """What is wrong with each target, in sentences; nothing where it is well-formed."""

    problems: Mapping[str, tuple[str, ...]]

    kind: ClassVar[str] = "targets-check"
    title: ClassVar[str] = "Targets"

    @property
    def exit_code(self) -> int:
        """2 when anything is wrong."""
        return 2 if any(self.problems.values()) else 0

    def document(self) -> dict[str, Any]:
        """One object a target."""
        return {"targets": [{"name": name, "errors": errors} for name, errors in self.problems.items()]}


@dataclass(frozen=True)
class DevicesResult(Unjudged):
    """The devices there are, and in `not_asked` which tools could not be asked, and why."""

    devices: tuple[DeviceInfo, ...]
    not_asked: tuple[str, ...]

    kind: ClassVar[str] = "devices"
    title: ClassVar[str] = "Devices"

    def document(self) -> dict[str, Any]:
        """One object a device."""
        return {"devices": self.devices, "not_asked": self.not_asked}


@dataclass(frozen=True)
class LeasesResult(Unjudged):
    """Who uses which device at the time `at`, and in `not_asked` who could not be asked, and why."""

    leases: tuple[Lease, ...]
    not_asked: tuple[str, ...]
    at: datetime

    kind: ClassVar[str] = "leases"
    title: ClassVar[str] = "Devices in use"

    def document(self) -> dict[str, Any]:
        """One object a lease."""
        return {"leases": self.leases, "not_asked": self.not_asked}


class LeaseBroken(NamedTuple):
    """A lease that was broken by hand, and the log that says so."""

    lease: Lease
    log: Path
