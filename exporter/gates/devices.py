"""What is judged of devices as a whole: those that gave no readings, and budgets that only a device can decide."""

from collections.abc import Sequence

from exporter.data.facts.profile import DeviceProfile
from exporter.data.settings.target import Budgets
from exporter.data.verdict import Verdict
from exporter.gates.judge import not_checked
from exporter.gates.readings import judge_readings
from profilers.readers.placement import METRIC as PLACEMENT


def device_verdicts(subject: str, budgets: Budgets, profiles: Sequence[DeviceProfile]) -> list[Verdict]:
    """Those of all profiles, and not checked for every budget that only a device can decide when none gave readings."""
    found = [verdict for item in profiles for verdict in item.verdicts]
    return found if any(item.result for item in profiles) else [*unmeasured_verdicts(subject, budgets), *found]


def unmeasured_verdicts(subject: str, budgets: Budgets) -> list[Verdict]:
    """Not checked, for every budget that only a device can decide, when none gave readings."""
    reason = f"no device of {subject} gave readings; --device names one"
    verdicts = judge_readings(subject, (), budgets)
    if budgets.neural_engine is not None:
        verdicts.append(not_checked(subject, PLACEMENT, "1", reason, limit=budgets.neural_engine))
    return [verdict.model_copy(update={"reason": reason}) for verdict in verdicts]


def skipped_verdict(subject: str, device: str, reason: str) -> Verdict:
    """Not checked, of a device that was meant and could not be tried; that fails a strict run."""
    return not_checked(f"{subject} on {device}", "device", "1", f"Not measured: {reason}")
