"""What `doctor` found on a machine; see `exporter.data.results.commands`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from exporter.data.verdict import Verdict

State = Literal["works", "differs", "missing", "broken"]


@dataclass(frozen=True)
class Checkup:
    """One thing that the program can use.

    Attributes:
        area: what ``--need`` takes: ``python``, ``export``, ``android``, ``apple``, ``disk``, ``devices`` ...
        name: of the thing.
        state: ``works``; ``differs`` from what was tested, which may work; ``missing``, which is no fault where nobody
            needs it; ``broken``: it is there and cannot be used.
        found: what was found, in words.
        use: what it is for; empty where the name says it.
        mend: the command or the step that mends it; empty where nothing is to be mended.
    """

    area: str
    name: str
    state: State
    found: str
    use: str = ""
    mend: str = ""


@dataclass(frozen=True)
class DoctorResult:
    """Everything that was looked at, in the order of a first set-up.

    Attributes:
        needed: areas that the user needs: what is missing there is a fault.
    """

    checkups: tuple[Checkup, ...]
    needed: tuple[str, ...] = ()

    kind: ClassVar[str] = "doctor"
    title: ClassVar[str] = "This machine"
    schema_version: ClassVar[int] = 1
    verdicts: ClassVar[tuple[Verdict, ...]] = ()

    def faults(self) -> tuple[Checkup, ...]:
        """What makes the command fail."""
        return tuple(one for one in self.checkups if self._is_fault(one))

    def _is_fault(self, one: Checkup) -> bool:
        return one.state == "broken" or (one.state == "missing" and one.area in self.needed)

    @property
    def exit_code(self) -> int:
        """3 where something is broken, or missing though it is needed."""
        return 3 if self.faults() else 0

    def document(self) -> dict[str, Any]:
        """One object a thing."""
        return {"checks": list(_plain(self.checkups)), "needed": self.needed, "exit_code": self.exit_code}


def _plain(checkups: Iterable[Checkup]) -> Iterable[dict[str, Any]]:
    return (asdict(one) for one in checkups)
