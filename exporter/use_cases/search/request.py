"""What a search is asked for, as frozen data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from exporter.data.settings.model import ModelSettings
from exporter.store.cache import default_root

Minimize = Literal["size", "latency", "energy"]


@dataclass(frozen=True)
class SearchRequest:
    """One `search`.

    Attributes:
        spec: the MODEL argument.
        settings: what the user said of the model.
        target_names: in the order asked for.
        output: folder of the study.
        targets_file: targets of the user's own, over the presets.
        calibration: representative data; labels are not looked at.
        evaluation: what points are judged on.
        training: what pruned models recover on; labels are optional. None prunes nothing.
        training_epochs: of each recovery.
        calibration_samples: at most so many examples calibrate.
        evaluation_samples: at most so many examples are compared; None takes all.
        max_size: most bytes of an artifact; None takes the target's budget.
        max_drop: most points that may be lost; None takes the target's tolerances.
        max_latency_s: most seconds of a median inference on the devices.
        wait_s: longest time that a trial waits for a device that somebody else uses.
        devices: where latency is measured; none takes this machine, where the format has a runner for it.
        minimize: what the answer makes small; None balances bytes and loss.
        time_s: begin nothing after so many seconds.
        executor: where trials run, a name of `exporter.execution.executor`.
        workers: trials at once on this machine; None takes one a core.
        scheduler: address of a cluster's.
        command_line: as typed, for the record.
    """

    spec: str
    settings: ModelSettings
    target_names: tuple[str, ...]
    output: Path
    targets_file: Path | None = None
    calibration: str | None = None
    evaluation: str | None = None
    training: str | None = None
    training_epochs: int = 10
    calibration_samples: int = 128
    evaluation_samples: int | None = None
    max_size: int | None = None
    max_drop: float | None = None
    max_latency_s: float | None = None
    devices: tuple[str, ...] = ()
    wait_s: float = 0.0
    minimize: Minimize | None = None
    time_s: float = 1800.0
    executor: str = "processes"
    workers: int | None = None
    scheduler: str | None = None
    cache_root: Path = field(default_factory=default_root)
    command_line: tuple[str, ...] = ()
