"""Who uses which device, and breaking a lease by hand."""

from datetime import UTC, datetime

from device_harness.discovery import Listing, at_once, device_kinds, discover
from device_harness.errors import DeviceNotFoundError
from device_harness.facts import DeviceState
from device_harness.finder import Found
from device_harness.lease import Lease
from device_harness.leases import host, on_device
from exporter.data.errors import UsageProblem
from exporter.data.results.listings import LeaseBroken, LeasesResult

LOOK_LIMIT_S = 45.0


def list_leases(listing: Listing | None = None) -> LeasesResult:
    """Every lease that this host keeps, and those that the devices which it reaches keep; each once.

    Args:
        listing: devices that were found before; None looks for them.
    """
    found = discover() if listing is None else listing
    asked = [one for one in found.found if _keeps_one(one)]
    outcomes = at_once([lambda one=one: _looked(one) for one in asked], LOOK_LIMIT_S)  # type: ignore[misc]
    here = host.held_here()
    elsewhere = [outcome.answer for outcome in outcomes if outcome.answer is not None]
    leases = {lease.token: lease for lease in (*elsewhere, *here)}
    silent = [
        f"{one.info.serial}: {outcome.error}"
        for one, outcome in zip(asked, outcomes, strict=True)
        if outcome.error is not None
    ]
    problems = (*map(str, found.problems), *silent)
    return LeasesResult(tuple(leases.values()), problems, datetime.now(UTC))


def break_lease(serial: str) -> LeaseBroken:
    """Take the device away from whoever has it, here and on the device, and write that into this host's log.

    Raises:
        UsageProblem: nobody has it.
        DeviceError: it cannot be taken away; or the device cannot be reached, and this host has no lease of it.
    """
    listing = discover()
    known = next((one for one in listing.found if serial in one.info.names), None)
    name = serial if known is None else known.info.serial
    broken = [lease for lease in (host.break_here(name), _broken_there(known)) if lease is not None]
    if not broken and known is None and serial != "local":
        reason = f"{serial}: there is no such device, and this host has no lease of it."
        raise DeviceNotFoundError(reason, serial=serial)
    if not broken:
        raise UsageProblem(f"Nobody has a lease of {serial}: there is nothing to release.")
    log = host.log_release(name, broken[0].told())
    return LeaseBroken(broken[0], log)


def _broken_there(known: Found | None) -> Lease | None:
    if known is None or not _keeps_one(known):
        return None
    with known.session() as device:
        return on_device.break_on(device)


def _looked(found: Found) -> Lease | None:
    with found.session() as device:
        return on_device.look(device)


def _keeps_one(found: Found) -> bool:
    kind = device_kinds()[found.info.kind]
    return kind.runs == "programs" and not kind.here and found.info.state is DeviceState.READY
