"""The artifact on the devices that were asked for."""

from dataclasses import replace

from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.work import ComputedThere, TargetWork


def profile(model: ModelAtHand, work: TargetWork) -> TargetWork:
    """`work` with one profile a device; those that were meant and could not be tried are among them."""
    if work.devices is None:
        return work
    from exporter.use_cases.profile import profile_on_devices

    request = model.request
    found = profile_on_devices(
        work.target, request.output / work.file, work.devices, request.plan, model.progress.note, request.wait_s
    )
    return replace(work, profiles=tuple(found), there=_there(model, work))


def _there(model: ModelAtHand, work: TargetWork) -> tuple[ComputedThere, ...]:
    if not model.request.accuracy_there:
        return ()
    from exporter.use_cases.job.there import compute_there

    return compute_there(model, work)
