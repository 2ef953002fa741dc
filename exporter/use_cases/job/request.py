"""What a run is asked to do, as frozen data."""

from dataclasses import dataclass, field
from pathlib import Path

from exporter.data.facts.revision import Revision
from exporter.data.settings.model import ModelSettings
from exporter.execution.lab.connection import LabAddress
from exporter.store.cache import default_root
from profilers.plan import ProfilePlan


@dataclass(frozen=True)
class RunRequest:
    """One `run`, `convert` or `verify`.

    Attributes:
        spec: the MODEL argument.
        settings: what the user said of the model.
        target_names: in the order asked for.
        targets_file: targets of the user's own, over the presets.
        routes: the only ways from the source that may be taken, by the targets whose formats know them.
        calibration: representative data, of any kind (`exporter.datasets.open`).
        evaluation: labelled data, likewise; None falls back to the calibration data, then to noise.
        training: images for recipes that train; labels are optional.
        calibration_samples: at most so many examples calibrate.
        evaluation_samples: at most so many examples are compared; None takes all.
        output: folder of the run.
        force: make everything anew.
        strict: what could not be checked fails the run.
        verify: compare outputs with the source's.
        measure: take readings of artifacts on this machine, where their format has a runner.
        devices: serials to profile the artifacts on, or ``all``.
        accuracy_there: whether devices compute the evaluation data too.
        plan: how devices are measured.
        wait_s: longest time to wait for a device that somebody else uses.
        lab: whose devices are meant; None for those of this machine.
        command_line: as typed, for the record.
        revision: what the run is made from, for the record.
    """

    spec: str
    settings: ModelSettings
    target_names: tuple[str, ...]
    output: Path
    targets_file: Path | None = None
    routes: tuple[str, ...] = ()
    calibration: str | None = None
    evaluation: str | None = None
    training: str | None = None
    calibration_samples: int = 100
    evaluation_samples: int | None = None
    cache_root: Path = field(default_factory=default_root)
    force: bool = False
    strict: bool = False
    verify: bool = True
    measure: bool = True
    devices: tuple[str, ...] = ()
    accuracy_there: bool = False
    plan: ProfilePlan = field(default_factory=ProfilePlan)
    wait_s: float = 0.0
    lab: LabAddress | None = None
    command_line: tuple[str, ...] = ()
    revision: Revision | None = None
