"""The evaluation data on the devices that were asked for: what they compute, judged as what this machine computes."""

from device_harness.errors import DeviceError
from device_harness.leases.session import Leased, Terms, leased
from exporter.data.errors import ExporterError
from exporter.formats.artifact_runner import Answered
from exporter.formats.devices import References, RunnerChoice
from exporter.use_cases.devices.accuracy import There
from exporter.use_cases.devices.choice import misfit
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.work import ComputedThere, TargetWork
from exporter.use_cases.profile import host_reason
from exporter.verification.compare import compare
from profilers.clock import SystemClock
from profilers.losses import Losses
from profilers.plan import ProfilePlan

ONE_BY_ONE = "{title} runners on devices take one example a process, so that no set of them is computed there."


def compute_there(model: ModelAtHand, work: TargetWork) -> tuple[ComputedThere, ...]:
    """One entry a device; those that could not, with the reason."""
    if work.devices is None:
        return ()
    skipped = [ComputedThere(item.device, why_not=item.reason) for item in work.devices.skipped]
    return (*(_tried(model, work, serial) for serial in work.devices.serials), *skipped)


def _tried(model: ModelAtHand, work: TargetWork, serial: str) -> ComputedThere:
    try:
        return _computed(model, work, serial)
    except (DeviceError, ExporterError) as error:
        return ComputedThere(serial, why_not=str(error))


def _computed(model: ModelAtHand, work: TargetWork, serial: str) -> ComputedThere:
    form, assigned = work.format, work.devices
    assert assigned is not None, "asked for"
    if work.target.postprocessing != "none":
        return ComputedThere(serial, why_not="Outputs of a file with postprocessing are not computed on devices.")
    answered = form.answered(work.made.path, model.origin)
    if answered is None:
        return ComputedThere(serial, why_not=ONE_BY_ONE.format(title=form.title))
    unfit = misfit(serial, form, assigned.listing.devices)
    if unfit is not None:
        raise DeviceError(unfit, serial=serial)
    plan, _ = form.devices.planned(model.request.plan, work.target)
    name = form.devices.here if serial == "local" else serial
    known = next((info.serial for info in assigned.listing.devices if name in info.names), name)
    terms = Terms(plan.longest_s(), model.request.wait_s, model.progress.note)
    with leased(name, known, assigned.listing.open, terms, SystemClock()) as held:
        return _on(held, model, work, answered, plan)


def _on(held: Leased, model: ModelAtHand, work: TargetWork, answered: Answered, plan: ProfilePlan) -> ComputedThere:
    elsewhere = host_reason(held.device.info(), work.target)
    if elsewhere:
        return ComputedThere(held.device.serial, why_not=elsewhere)
    say, reference = model.progress.note, model.reference_for(answered)
    bench = work.format.devices.bench(held.device, RunnerChoice(), plan, work.target, References())
    losses = Losses(held.device, held.keeper, say)
    say(f"{held.device.serial}: computing {len(reference.runs)} examples of {reference.data.name} there")
    there = There(
        held.device,
        bench.runner,
        work.made.path,
        plan,
        answered,
        reference.runs,
        reference.data.batch,
        model.cache.alone(),
        losses,
    )
    computed = there.compute()
    answered.name = computed.name
    parity = compare(answered, reference, lambda done, whole: None)
    return ComputedThere(held.device.serial, parity=parity, check=computed.check)
