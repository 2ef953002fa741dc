"""The artifact on the devices that were asked for."""

from dataclasses import replace

from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.work import ComputedThere, TargetWork


def profile(model: ModelAtHand, work: TargetWork) -> TargetWork:
    """`work` with one profile a device; those that were meant and could not be tried are among them."""
    if work.devices is None:
        return work
    from exporter.use_cases.lab.profile import profile_target_in_lab
    from exporter.use_cases.profile import profile_on_devices

    request = model.request
    if request.lab is not None and work.devices.serials:
        artifact = request.output / work.file
        in_lab = profile_target_in_lab(
            work.target, artifact, work.devices.serials, request.plan, request.lab, model.progress, request.wait_s
        )
        return replace(work, profiles=tuple(in_lab))
    found = profile_on_devices(
        work.target, request.output / work.file, work.devices, request.plan, model.progress.note, request.wait_s
    )
    there: tuple[ComputedThere, ...] = ()
    if request.accuracy_there:
        from exporter.use_cases.job.there import compute_there

        there = compute_there(model, work)
    return replace(work, profiles=tuple(found), there=there)
