"""Readings of the Swift runner's documents: Core ML chooses units itself, and says what it plans."""

from collections.abc import Sequence
from typing import Any

from device_harness.runners.bench_document import BenchDocument
from profilers.bench import Taken
from profilers.readers.documents import DocumentReader
from profilers.readers.placement import plan_reading
from profilers.readings import Obtained, Reading, unavailable

# The unit that the others only help out, by the compute units that were asked for; `all` leaves the choice to Core ML.
ASKED_UNITS = {"cpu": "cpu", "gpu": "gpu", "cpu_and_gpu": "gpu", "npu": "npu", "cpu_and_ne": "npu", "all": "any"}


class CoremlReader(DocumentReader):
    """Implements `Reader`: a document's readings and the Neural Engine's share."""

    def __init__(self, units: str) -> None:
        """Args: units: compute units in the document's words."""
        self._units = units

    def conditions(self, runs: Sequence[BenchDocument], taken: Taken) -> dict[str, str]:
        """Core ML chooses its threads and spreads a model over units: what it was allowed is the condition."""
        return {
            "compute_units": self._units,
            "quick": str(taken.plan.quick).lower(),
            "accelerator": ASKED_UNITS[self._units],
            "ran_on": ran_on(runs),
        }

    def readings(self, runs: Sequence[BenchDocument], taken: Taken) -> tuple[Reading, ...]:
        """See `Reader.readings`."""
        usual = super().readings(runs, taken)
        return (*usual, cold_reading(runs, usual[0]), plan_reading(runs, taken))


def cold_reading(runs: Sequence[BenchDocument], like: Reading) -> Reading:
    """The first load of a model that the process compiled itself; without its compilation, which apps do beforehand."""
    facts: dict[str, Any] = {
        "device": like.device,
        "environment": like.environment,
        "conditions": like.conditions,
        "source": like.source,
    }
    cold = tuple(run.loads.cold_s for run in runs if run.loads is not None and run.loads.cold_s is not None)
    if len(cold) < len(runs):
        why = "only a model that the runner compiles itself is known to be new to the system: give the .mlpackage"
        return unavailable("load_cold", "s", why, **facts)
    groups = (1,) * len(cold) if len(cold) > 1 else ()
    return Reading(
        metric="load_cold",
        unit="s",
        samples=cold,
        groups=groups,
        obtained=Obtained.MEASURED,
        taken_at=like.taken_at,
        **facts,
    )


def ran_on(documents: Sequence[BenchDocument]) -> str:
    """The unit that was asked for where Core ML's plan of every process uses it; else what it uses, or ``unknown``.

    The compute units always include the CPU, for what the unit cannot do: a part there is no fall-back.
    """
    asked = ASKED_UNITS[documents[0].settings.accelerator]
    name = {"npu": "ane"}.get(asked, asked)
    if all(any(placed.device == name for placed in document.placement) for document in documents):
        return asked
    used = {document.acceleration.used for document in documents}
    return used.pop() if len(used) == 1 else "mixed"
