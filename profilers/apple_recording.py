"""What Instruments sees of the Neural Engine while something runs: recorded, exported and read in one."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from device_harness.device import DeviceInfo
from device_harness.errors import DeviceError
from profilers.apple_instruments import Recording, contents, export_table
from profilers.apple_placement import BUSY_METRIC, HARDWARE_TABLES, recorded_reading
from profilers.readings import Reading, unavailable

SOURCE = "Instruments, Neural Engine"


def neural_engine_reading(info: DeviceInfo, work: Callable[[], object], *, seconds: int) -> Reading:
    """Record `info`'s device while `work` runs; unavailable with the reason where Instruments could not.

    Args:
        info: an iPhone or iPad that devicectl reaches, or this Mac.
        work: runs the model; it is called once, also where nothing can be recorded later.
        seconds: length of the recording; what `work` does after it is not recorded.

    Raises:
        DeviceError: `work` failed.
    """
    taken_at = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="mobile-export-") as name:
        folder = Path(name)
        recording = Recording(folder / "run.trace", seconds=seconds, device=None if info.kind == "mac" else info.serial)
        try:
            recording.begin()
        except DeviceError as error:
            return unavailable(BUSY_METRIC, "s", str(error), source=SOURCE, device=info.serial)
        with recording:
            work()
            try:
                exports = _exports(recording.finish(), folder)
                return recorded_reading(exports, device=info.serial, taken_at=taken_at)
            except DeviceError as error:
                return unavailable(BUSY_METRIC, "s", str(error), source=SOURCE, device=info.serial)


def _exports(trace: Path, folder: Path) -> list[Path]:
    """The Neural Engine's tables that the first run of the trace has, exported."""
    runs = contents(trace, folder)
    present = [schema for schema in HARDWARE_TABLES if runs and schema in runs[0].schemas]
    return [export_table(trace, schema, folder / f"{schema}.xml", run=runs[0].number) for schema in present]
