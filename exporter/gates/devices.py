"""What is judged of devices as a whole: those that gave no readings, and budgets that only a device can decide."""

from collections.abc import Sequence

from exporter.data.facts.profile import DeviceProfile
from exporter.data.settings.target import Target
from exporter.data.verdict import Verdict
from exporter.gates.judge import not_checked
from exporter.gates.readings import judge_readings
from profilers.readers.placement import METRIC as PLACEMENT


def device_verdicts(target: Target, profiles: Sequence[DeviceProfile]) -> list[Verdict]:
    """Those of all profiles, and not checked for every budget that only a device can decide when none gave readings."""
    found = [verdict for item in profiles for verdict in item.verdicts]
    return found if any(item.result for item in profiles) else [*unmeasured_verdicts(target), *found]


def unmeasured_verdicts(target: Target) -> list[Verdict]:
    """Not checked, for every budget that only a device can decide, when none gave readings."""
    reason = f"no device of {target.name} gave readings; --device names one"
    verdicts = judge_readings(target.name, (), target.budgets)
    if target.budgets.neural_engine is not None:
        verdicts.append(not_checked(target.name, PLACEMENT, "1", reason, limit=target.budgets.neural_engine))
    return [verdict.model_copy(update={"reason": reason}) for verdict in verdicts]


def skipped_verdict(subject: str, device: str, reason: str) -> Verdict:
    """Not checked, of a device that was meant and could not be tried; that fails a strict run."""
    return not_checked(f"{subject} on {device}", "device", "1", f"Not measured: {reason}")
