"""What was measured of a model: as it was taken, with every sample, and as a record keeps it, in figures."""

from collections.abc import Sequence
from datetime import datetime

from device_harness.facts import DeviceInfo
from exporter.data.base import Frozen
from exporter.data.lab import LabPlace
from exporter.data.units import format_age
from exporter.data.verdict import Verdict
from profilers.curve import SustainedCurve
from profilers.plan import ProfilePlan
from profilers.readings import CoreGroup, OpTime, Reading
from profilers.result import OutputCheck, ProfileResult
from profilers.steadiness import cpu_share, disturbance
from profilers.summary import Summary, summarize


class DeviceProfile(Frozen):
    """One model on one device, judged; or the reason why there is nothing to judge.

    Attributes:
        device: the serial, as asked for; ``all`` where no device at all was there.
        result: readings, output check, operators, warnings and rejected runs, with the device and the plan.
        verdicts: by the target's budgets, of the outputs, and of the accelerator.
        error: why it gave no result although it was tried; None otherwise.
        info: what is known of a device that was not tried.
        skipped: why it was not tried, with what to do; None when it was.
        lab: where in a lab it was measured; None where that was this machine.
    """

    device: str
    result: ProfileResult | None
    verdicts: tuple[Verdict, ...] = ()
    error: str | None = None
    info: DeviceInfo | None = None
    skipped: str | None = None
    lab: LabPlace | None = None


class Measured(Frozen):
    """What was read of one model on one device.

    Attributes:
        readings: every quantity, the unavailable ones with their reasons.
        caveats: what must be said beside them: how old they are, and what disturbed them.
        disturbed: why they must not be compared with others, as a clause; None when they are steady.
        cpu_share: the part of the time that the model had a CPU; None where that is not known.
    """

    readings: tuple[Summary, ...]
    caveats: tuple[str, ...] = ()
    disturbed: str | None = None
    cpu_share: float | None = None

    def measured_latency(self) -> Summary | None:
        """The latency that was measured; None where there is none."""
        found = (one for one in self.readings if one.metric == "latency" and one.obtained == "measured")
        return next(found, None)


class Profile(Frozen):
    """`DeviceProfile` as a record keeps it.

    Attributes:
        device: the serial, as asked for; ``all`` where no device at all was there.
        info: the device, as far as it is known.
        artifact: path of the file that was measured, as given.
        sha256: digest of it.
        plan: what was asked for; None where nothing was measured.
        measured: None where nothing was.
        outputs: what the device computed, compared with this machine; None when it was not compared.
        ops: time of every operator.
        sustained: how a long run without pause went; None without one.
        cores: the device's kinds of CPUs, the weakest first; empty where it does not tell.
        warnings: sentences about conditions that make the readings less representative.
        rejected: why each rejected run was rejected.
        verdicts: by the target's budgets, of the outputs, and of the accelerator.
        error: why it gave no result although it was tried; None otherwise.
        skipped: why it was not tried, with what to do; None when it was.
        lab: where in a lab it was measured; None where that was this machine.
    """

    device: str
    info: DeviceInfo | None = None
    artifact: str = ""
    sha256: str = ""
    plan: ProfilePlan | None = None
    measured: Measured | None = None
    outputs: OutputCheck | None = None
    ops: tuple[OpTime, ...] = ()
    sustained: SustainedCurve | None = None
    cores: tuple[CoreGroup, ...] = ()
    warnings: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    error: str | None = None
    skipped: str | None = None
    lab: LabPlace | None = None


def measured(readings: Sequence[Reading], at: datetime) -> Measured:
    """Readings of one model on one device in figures.

    Args:
        readings: with their samples.
        at: when the run began; readings that it took itself are later.
    """
    reason = disturbance(readings)
    said = [f"disturbed: {reason}"] if reason else []
    return Measured(
        readings=tuple(map(summarize, readings)),
        caveats=(*_age(readings, at), *said),
        disturbed=reason,
        cpu_share=cpu_share(readings),
    )


def _age(readings: Sequence[Reading], at: datetime) -> list[str]:
    taken = [reading.taken_at for reading in readings if reading.samples]
    age_s = (at - min(taken)).total_seconds() if taken else 0.0
    return [f"measured {format_age(age_s)} before this run"] if age_s > 0 else []


def profile_of(item: DeviceProfile, at: datetime) -> Profile:
    """`item` as a record keeps it; `at` as for `measured`."""
    whose = {
        "device": item.device,
        "verdicts": item.verdicts,
        "error": item.error,
        "skipped": item.skipped,
        "lab": item.lab,
    }
    result = item.result
    if result is None:
        return Profile(**whose, info=item.info)
    return Profile(
        **whose,
        info=result.device,
        artifact=result.artifact,
        sha256=result.sha256,
        plan=result.plan,
        measured=measured(result.readings, at),
        outputs=result.outputs,
        ops=result.ops,
        sustained=result.sustained,
        cores=result.cores,
        warnings=result.warnings,
        rejected=result.rejected,
    )
