"""Readings of this machine, by the session that every device has."""

from pathlib import Path

from device_harness.local import LocalDevice
from device_harness.runners.documents import DocumentRunner
from profilers.bench import Bench
from profilers.plan import ProfilePlan
from profilers.readers.documents import DocumentReader
from profilers.readings import Reading
from profilers.session import profile_models
from profilers.stages.energy import EnergyStage
from profilers.stages.sustained import sustained


def host_readings(model: Path, plan: ProfilePlan, runner: DocumentRunner) -> tuple[Reading, ...]:
    """Latency, load time, processor time, memory and energy of one inference of `model` on this machine.

    Each of `plan.processes` loads the model anew, so that peak memory and processor time are the model's, and so that
    the spread between processes is seen. Energy takes runs of its own.

    Args:
        model: a file that `runner` runs; its inputs are filled with random values of their types.
        plan: how often and how long.
        runner: runs it on this machine.

    Raises:
        CommandFailedError: what runs it is not installed, or refused the model.
        CommandTimeoutError: a process took longer than `plan.limit_s`.
    """
    bench = Bench(runner, DocumentReader(), (EnergyStage(), sustained))
    with LocalDevice() as device:
        return profile_models(device, [model], plan, bench)[0].readings
