"""Every sample of a run, which lie beside its record in a file of their own."""

from exporter.data.base import Frozen
from profilers.readings import Reading

SCHEMA_VERSION = 1
KIND = "mobile-export samples"


class TargetSamples(Frozen):
    """Readings of one target's artifact, as they were taken.

    Attributes:
        host: of this machine.
        profiles: of each device, by its name in the record.
    """

    host: tuple[Reading, ...] = ()
    profiles: dict[str, tuple[Reading, ...]] = {}


class Samples(Frozen):
    """`samples.json`: by target name."""

    schema_version: int = SCHEMA_VERSION
    kind: str = KIND
    targets: dict[str, TargetSamples]

    def empty(self) -> bool:
        """Whether nothing was measured."""
        return not any(target.host or target.profiles for target in self.targets.values())
