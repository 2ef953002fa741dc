"""Work on several devices at once: each in a thread of its own, its errors its own, and Ctrl-C ends all of it."""

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from device_harness import process
from device_harness.errors import DeviceError
from device_harness.leases.session import Leased
from device_harness.protocol import Device
from exporter.data.facts.profile import DeviceProfile
from profilers.clock import SystemClock

CLOSING_S = 5.0
Measure = Callable[[Leased], list[DeviceProfile]]
Opener = Callable[[str], contextlib.AbstractContextManager[Leased]]


def on_devices(
    serials: Sequence[str],
    opener: Opener,
    measure: Measure,
    clock: SystemClock,
    explain: Callable[[str, DeviceError], str] = lambda serial, error: str(error),
) -> list[DeviceProfile]:
    """`measure` on every device, opened and closed around it; what fails on one is that one's error.

    Ctrl-C closes every device, which ends what is waited for and restores them, and does not wait for the plan.

    Args:
        serials: devices; the results are in their order.
        opener: leases and opens the device of a serial.
        measure: the work.
        clock: whose waits Ctrl-C ends.
        explain: the words of a device's error.
    """
    opened: list[Device] = []
    found: dict[str, list[DeviceProfile]] = {}

    def work(serial: str) -> None:
        try:
            with opener(serial) as leased:
                opened.append(leased.device)
                found[serial] = measure(leased)
        except DeviceError as error:
            found[serial] = [DeviceProfile(device=serial, result=None, error=explain(serial, error))]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - one device's fault is its own, the others' readings stay
            found[serial] = [DeviceProfile(device=serial, result=None, error=_fault(error))]

    if len(serials) == 1:
        work(serials[0])
        return found[serials[0]]
    workers = [threading.Thread(target=work, args=(serial,), daemon=True) for serial in serials]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    except KeyboardInterrupt:
        clock.stop()
        _close_all(opened, workers)
        raise
    return [item for serial in serials for item in found[serial]]


def _close_all(opened: Sequence[Device], workers: Sequence[threading.Thread]) -> None:
    """Close the devices at the same time, end what still runs here, and give the workers a moment to see it."""

    def close(device: Device) -> None:
        with contextlib.suppress(DeviceError):
            device.close()

    closing = [threading.Thread(target=close, args=(device,)) for device in opened]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join()
    process.kill_all()
    end = time.monotonic() + CLOSING_S
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))


def _fault(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}, line {last.lineno}"
    return f"{type(error).__name__}: {error}. This is a fault in mobile-export ({where})."
