"""Where a Core ML model runs: by the framework's plan, and by what Instruments recorded of the Neural Engine."""

import io
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from device_harness.runners.bench_document import BenchDocument
from profilers.bench import Taken
from profilers.parse.apple.xctrace import read_rows
from profilers.readings import Obtained, Reading, unavailable

PLAN = "MLComputePlan"
METRIC = "placement.neural_engine"
BUSY_METRIC = "neural_engine.busy_time"
# The hardware table's name has changed; the older one has the same columns.
HARDWARE_TABLES = ("ane-hw-intervals", "ane-hw-intervals-internal")
PREFERENCE = (
    "the estimated cost of the operations for which Core ML prefers the Neural Engine; a plan, not an observation"
)


def cost_shares(document: BenchDocument) -> dict[str, float] | None:
    """Share of the estimated cost by device, in [0, 1], adding up to 1; None when the plan gives no cost.

    Operations without a cost (constants, reshapes) count nothing.
    """
    costs: dict[str, float] = {}
    for placed in document.placement:
        if placed.cost is not None:
            costs[placed.device] = costs.get(placed.device, 0.0) + placed.cost
    total = sum(costs.values())
    return {device: cost / total for device, cost in costs.items()} if total > 0 else None


def plan_reading(documents: Sequence[BenchDocument], taken: Taken) -> Reading:
    """The Neural Engine's share of the estimated cost, one sample a process: estimated, for it is a plan."""
    source = f"{PLAN}, {documents[0].runner.runtime}"
    if taken.info.environment == "simulator":
        reason = "a simulator has no Neural Engine; its plan is the Mac's"
        return unavailable(METRIC, "1", reason, source=source, **taken.facts)
    shares = [cost_shares(document) for document in documents]
    if any(share is None for share in shares):
        reason = "Core ML gave no compute plan with costs (it does for ML programs from iOS 17.4 and macOS 14.4 on)"
        return unavailable(METRIC, "1", reason, source=source, **taken.facts)
    return Reading(
        metric=METRIC,
        unit="1",
        samples=tuple(share.get("ane", 0.0) for share in shares if share is not None),
        source=source,
        obtained=Obtained.ESTIMATED,
        reason=PREFERENCE,
        taken_at=taken.at,
        conditions={"accelerator": documents[0].settings.accelerator},
        **taken.facts,
    )


def recorded_reading(exports: Sequence[Path], *, device: str, taken_at: datetime) -> Reading:
    """Seconds that the Neural Engine was busy in a recording, one sample an interval.

    The table has no process identifier: the work of other apps is in it.

    Args:
        exports: files of `xctrace export`, of the tables in `HARDWARE_TABLES` that the trace has; empty for none.
        device: serial.
        taken_at: when recording began.

    Raises:
        UnreadableOutputError: a file that is not such an export.
    """
    source = "Instruments, Neural Engine"
    durations: list[float] = []
    with ExitStack() as stack:
        for path in exports:
            durations += _durations(stack.enter_context(path.open("rb")))
    if not durations:
        reason = (
            "not recorded: the Neural Engine's table is missing or empty, which happens also while it works; "
            "this does not show that the model ran elsewhere"
        )
        return unavailable(BUSY_METRIC, "s", reason, source=source, device=device)
    return Reading(
        metric=BUSY_METRIC,
        unit="s",
        samples=tuple(durations),
        source=source,
        device=device,
        obtained=Obtained.MEASURED,
        taken_at=taken_at,
    )


def _durations(stream: BinaryIO) -> list[float]:
    content = io.BytesIO(stream.read()) if not stream.seekable() else stream
    found: list[float] = []
    for name in HARDWARE_TABLES:
        content.seek(0)
        found += [value / 1e9 for (value,) in read_rows(content, name, ("duration",)) if isinstance(value, int)]
    return found
