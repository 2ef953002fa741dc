"""Profiles files on one or several devices at once, and judges what was read."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from device_harness.discovery import Listing, discover
from device_harness.errors import CommandFailedError, DeviceError, DeviceNotFoundError, UnreadableOutputError
from device_harness.facts import DeviceInfo
from device_harness.leases.session import Leased, Terms, leased
from device_harness.protocol import Device
from exporter.data.facts.profile import DeviceProfile
from exporter.data.settings.target import Budgets, Target
from exporter.formats.devices import References, RunnerChoice
from exporter.formats.format import Format
from exporter.formats.registry import format_named
from exporter.gates.placement import judge_placement
from exporter.gates.readings import judge_outputs, judge_readings
from exporter.use_cases.devices.choice import Selection, fits, is_host, misfit, unmeasured, where_it_runs
from exporter.use_cases.devices.inputs import Given, fitted
from exporter.use_cases.devices.on_devices import on_devices
from profilers.clock import SystemClock
from profilers.cores import core_groups
from profilers.plan import ProfilePlan
from profilers.result import ProfileResult
from profilers.session import Say, profile_models, say_nothing
from profilers.sweep import Setting

NOTHING = Listing()
NO_REFERENCE = "This machine was not asked to run the model (--no-host-reference)."
Opener = Callable[[str], Device]


class ProfileRequest(NamedTuple):
    """What is measured, and how.

    Attributes:
        form: of the models.
        models: files or packages.
        plan: what to measure; the target's accelerator wins over the plan's.
        choice: the runner.
        target: by whose budgets the readings are judged; None judges outputs and accelerator only.
        name: what the verdicts are about; None takes the file's name.
        wait_s: longest time to wait for a device that somebody else uses.
        given: inputs, shapes and signature of the command line.
        settings: of a sweep, which take turns; empty without one.
    """

    form: Format
    models: Sequence[Path]
    plan: ProfilePlan
    choice: RunnerChoice = RunnerChoice()
    target: Target | None = None
    name: str | None = None
    wait_s: float = 0.0
    given: Given = Given()
    settings: Sequence[Setting] = ()


def profile(
    request: ProfileRequest,
    serials: Sequence[str],
    *,
    listing: Listing = NOTHING,
    opener: Opener | None = None,
    say: Say = say_nothing,
) -> list[DeviceProfile]:
    """Profile on every device, each in a thread of its own; a failing device does not stop the others.

    Args:
        request: what is measured.
        serials: devices; ``local`` is this machine, in the format's own sense.
        listing: devices that were found before; others are looked for.
        opener: gives a session for a serial; None opens from the listing.
        say: progress.
    """
    support, clock = request.form.devices, SystemClock()
    plan, notes = support.planned(request.plan, request.target)
    with tempfile.TemporaryDirectory() as folder:
        plan, choice = fitted(request.form, request.models, plan, request.choice, request.given, Path(folder))
        request = request._replace(plan=plan, choice=choice)
        elsewhere = support.compares_outputs and choice.reference and list(serials) != ["local"]
        references = _references(request, Path(folder)) if elsewhere else References()

        def measure(held: Leased) -> list[DeviceProfile]:
            results = _measured(held, request, references, clock, say)
            told = (*notes, held.keeper.note) if held.keeper.note else notes
            return [_judged(result, request, told, references) for result in results]

        def open_it(serial: str) -> AbstractContextManager[Leased]:
            unfit = misfit(serial, request.form, listing.devices)
            if unfit is not None:
                raise DeviceError(unfit, serial=serial)
            name = support.here if serial == "local" else serial
            known = next((info.serial for info in listing.devices if name in info.names), name)
            terms = Terms(plan.longest_s(len(request.models) * max(1, len(request.settings))), request.wait_s, say)
            return leased(name, known, opener or listing.open, terms, clock)

        def explain(serial: str, error: DeviceError) -> str:
            return _explained(serial, request.form, error)

        return on_devices(serials, open_it, measure, clock, explain)


def profile_on_devices(
    target: Target, artifact: Path, selection: Selection, plan: ProfilePlan, say: Say, wait_s: float = 0.0
) -> list[DeviceProfile]:
    """A run's artifact, one profile a device; those that were meant and could not be tried are among them."""
    skipped = [unmeasured(target.name, item) for item in selection.skipped]
    if not selection.serials:
        return skipped
    request = ProfileRequest(
        format_named(target.format), [artifact], plan, target=target, name=target.name, wait_s=wait_s
    )
    return [*profile(request, selection.serials, listing=selection.listing, say=say), *skipped]


def _references(request: ProfileRequest, folder: Path) -> References:
    """Outputs of this machine; what goes wrong with them is no fault of devices, which are measured all the same."""
    try:
        return request.form.devices.references(request.models, folder, request.plan, request.choice.inputs)
    except Exception as error:  # noqa: BLE001 - whatever this machine's runtime does with a model
        reason = f"This machine itself could not run the model: {type(error).__name__}: {error}"
        return References(missing=dict.fromkeys(request.models, reason))


def host_reason(info: DeviceInfo, target: Target | None) -> str:
    """Why readings of this device are none of the target's device, as a sentence; empty when they may be."""
    if target is None or not is_host(info) or target.takes_host(info.serial, info.os):
        return ""
    return (
        f"Measured on this machine, which is no device of {target.name} ({target.minimum_os}): name one with --device."
    )


def _explained(serial: str, form: Format, error: DeviceError) -> str:
    """What is wrong with a device that does not run the format, where it is one that is listed."""
    if not isinstance(error, DeviceNotFoundError):
        return str(error)
    return misfit(serial, form, discover().devices) or str(error)


def _measured(
    held: Leased, request: ProfileRequest, references: References, clock: SystemClock, say: Say
) -> list[ProfileResult]:
    """With the accelerator of the plan; on the CPU, with the reason as a warning, where it cannot be had.

    Readings of the CPU say that they are, so that no budget of the accelerator is judged by them.
    """
    device = held.device
    if not fits(device.info(), request.form):
        raise DeviceError(f"{device.serial}: {where_it_runs(request.form)}.", serial=device.serial)
    plan = request.plan
    try:
        return _run_plan(held, request, references, clock, say)
    except (CommandFailedError, UnreadableOutputError) as error:
        if plan.accelerator == "cpu" or request.settings:
            raise
        unit = plan.accelerator.upper()
        say(f"{device.serial}: the {unit} cannot be had; measuring on the CPU")
        plain = request._replace(plan=plan.model_copy(update={"accelerator": "cpu"}))
        results = _run_plan(held, plain, references, clock, say)
        warning = f"the {unit} could not be had, so that everything was measured on the CPU: {error}"
        return [_asked_for(result, plan, warning) for result in results]


def _run_plan(
    held: Leased, request: ProfileRequest, references: References, clock: SystemClock, say: Say
) -> list[ProfileResult]:
    device, plan = held.device, request.plan
    plans = _plans(request, device)
    # Settings are measured by one runner: the one that can do what any of them asks for.
    wanted = next((one for one in plans if one.accelerator != "cpu"), plan)
    bench = request.form.devices.bench(device, request.choice, wanted, request.target, references)
    return profile_models(device, request.models, plan, bench, clock=clock, say=say, lease=held.keeper, settings=plans)


def _plans(request: ProfileRequest, device: Device) -> list[ProfilePlan]:
    """Of the settings, for this device's CPUs."""
    if not request.settings:
        return []
    groups = core_groups(device.can.shell)
    try:
        return [setting.plan(request.plan, groups) for setting in request.settings]
    except ValueError as error:
        raise DeviceError(f"{device.serial}: {error}", serial=device.serial) from error


def _asked_for(result: ProfileResult, plan: ProfilePlan, warning: str) -> ProfileResult:
    """`result`, which was taken on the CPU, as the answer to `plan`."""
    readings = tuple(
        reading.model_copy(update={"conditions": {**reading.conditions, "accelerator": plan.accelerator}})
        for reading in result.readings
    )
    outputs = result.outputs
    if outputs is not None:
        words = f"they are the CPU's, not the {plan.accelerator.upper()}'s: {outputs.reason}"
        outputs = outputs.model_copy(update={"checked": False, "reason": words})
    told = (*result.warnings, warning)
    return result.model_copy(update={"plan": plan, "readings": readings, "outputs": outputs, "warnings": told})


def _judged(
    result: ProfileResult, request: ProfileRequest, notes: tuple[str, ...], references: References
) -> DeviceProfile:
    serial, target = result.device.serial, request.target
    subject = f"{request.name or Path(result.artifact).name} on {serial}"
    budgets, why_not = target.budgets if target else Budgets(), _why_not(result, target)
    verdicts = [
        *judge_readings(subject, result.readings, budgets, why_not),
        *judge_placement(subject, budgets, result.readings, why_not),
    ]
    if request.form.devices.compares_outputs and serial != "local":
        missing = references.missing.get(Path(result.artifact), "" if request.choice.reference else NO_REFERENCE)
        verdicts.append(judge_outputs(subject, result.outputs, missing))
    told = result.model_copy(update={"warnings": (*notes, *result.warnings)})
    return DeviceProfile(device=serial, result=told, verdicts=tuple(verdicts), error=result.stopped, info=result.device)


def _why_not(result: ProfileResult, target: Target | None) -> str:
    """Why no budget can be judged by a result, as a sentence; empty when all can."""
    held = f"The device was held back while it was measured: {result.held_back}." if result.held_back else ""
    return host_reason(result.device, target) or held
