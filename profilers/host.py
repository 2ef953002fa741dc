"""Readings of a model on this machine, in fresh processes."""

from pathlib import Path

from device_harness.local import LocalDevice
from device_harness.runners.documents import DocumentRunner
from profilers.plan import ProfilePlan
from profilers.readings import Reading
from profilers.session import profile_models


def host_readings(model: Path, plan: ProfilePlan, runner: DocumentRunner) -> tuple[Reading, ...]:
    """Latency, load time, processor time, memory and energy of one inference of `model` on this machine.

    Each of `plan.processes` loads the model anew, so that peak memory and processor time are the model's, and so that
    the spread between processes is seen. Energy takes runs of its own.

    Args:
        model: a file that `runner` runs; its inputs are filled with random values of their types.
        plan: how often and how long.
        runner: runs it on this machine.

    Raises:
        CommandFailedError: the runtime is not installed, or refused the model.
        CommandTimeoutError: a process took longer than `plan.limit_s`.
    """
    with LocalDevice() as device:
        return profile_models(device, [model], plan, runner)[0].readings
