"""ProfileResult: what was found out about one model on one device, and OutputCheck: what it computed there."""

from device_harness.facts import DeviceInfo
from device_harness.frozen import Frozen
from profilers.curve import SustainedCurve
from profilers.plan import ProfilePlan
from profilers.readings import CoreGroup, OpTime, Reading


class OutputCheck(Frozen):
    """What a device computed against this machine, judged at its worst output.

    Attributes:
        snr_db: signal-to-noise ratio of the worst output; infinite when all are equal, None when there is none.
        identical: whether every byte is the same.
        reason: with what they were compared, or why they are wrong or not comparable.
        worst: name of the output that `snr_db` and `reason` are of.
        wrong: whether it is wrong whatever the ratio: a NaN or infinity, a value far off, a shape, a missing output.
        checked: False when nothing can be said, for example because this machine's own outputs are not finite.
    """

    snr_db: float | None
    identical: bool
    reason: str
    worst: str | None = None
    wrong: bool = False
    checked: bool = True


class ProfileResult(Frozen):
    """What was found out about one model on one device.

    Attributes:
        artifact: path of the file as given.
        sha256: digest of it.
        readings: every quantity, the unavailable ones with their reasons.
        outputs: what the device computed, compared with this machine; None when it was not compared.
        ops: time of every operator, from a run of its own; benchmark_model and litert_bench tell.
        sustained: how latency, temperature and frequencies went in a long run without pause; None without one.
        cores: the device's kinds of CPUs, the weakest first; empty where it does not tell.
        warnings: sentences about conditions that make the readings less representative.
        rejected: why each rejected run was rejected.
        held_back: what kept the device from what it can in a run that counts: heat, a frequency limit, a core that is
            switched off. No budget is judged by such readings. None where nothing did.
        stopped: why the session ended before the plan was done; what was finished until then is in the readings. None
            where all of the plan was done.
    """

    artifact: str
    sha256: str
    device: DeviceInfo
    plan: ProfilePlan
    readings: tuple[Reading, ...]
    outputs: OutputCheck | None = None
    ops: tuple[OpTime, ...] = ()
    sustained: SustainedCurve | None = None
    cores: tuple[CoreGroup, ...] = ()
    warnings: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    held_back: str | None = None
    stopped: str | None = None
