"""Runs a Core ML model with the Swift runner (`device_harness/ios`) on an iPhone, a simulator or this Mac."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_harness.digests import files_of
from device_harness.errors import CommandFailedError, TransferError, UnreadableOutputError
from device_harness.protocol import Device
from device_harness.runners.bench_document import BenchDocument, Settings, parse_bench_document
from device_harness.runners.coreml_build import prepare
from device_harness.runners.runner import START_UP_S, RunRequest

PLAN_VERSION = 1
ACCELERATORS = {"cpu_only": "cpu", "cpu_and_gpu": "cpu_and_gpu", "cpu_and_ne": "cpu_and_ne", "all": "all"}


@dataclass(frozen=True)
class CoremlPlan:
    """What the runner is to do; its JSON form is the plan file that `device_harness/ios` documents by sample.

    Attributes:
        settings: as the bench document repeats them; `threads` and `cpus` are not Core ML's to choose.
        warmup_min_s: least time of the warm-up.
        limit_s: longest time of a phase.
        placement: whether to ask for the compute plan, which takes time but is outside the measured phase.
        inputs: name of an input -> file with its raw bytes; the others are filled as `settings.input` says.
        keep_outputs: whether the bytes of the outputs are kept beside their digests.
    """

    settings: Settings
    warmup_min_s: float = 0.0
    limit_s: float = 600.0
    placement: bool = True
    inputs: dict[str, Path] | None = None
    keep_outputs: bool = False

    def to_json(self, model: str) -> dict[str, Any]:
        """The plan file's content for the model called `model` on the device."""
        return {
            "schema_version": PLAN_VERSION,
            "model": model,
            "settings": self.settings.model_dump(mode="json", exclude={"signature", "input_shapes"}),
            "warmup_min_s": self.warmup_min_s,
            "limit_s": self.limit_s,
            "inputs": [{"name": name, "file": _input_file(i)} for i, name in enumerate(self.inputs or {})],
            "output_folder": "outputs" if self.keep_outputs else None,
            "placement": self.placement,
            "result": "result.json",
        }


def _input_file(position: int) -> str:
    return f"input_{position}.bin"


def accelerator(compute_units: str) -> str:
    """The bench document's word for Core ML's compute units, as a target names them.

    Raises:
        ValueError: no such units.
    """
    if compute_units not in ACCELERATORS:
        raise ValueError(f"{compute_units!r} is not one of {', '.join(ACCELERATORS)}")
    return ACCELERATORS[compute_units]


def push_model(device: Device, model: Path, name: str | None = None) -> str:
    """Copy a .mlmodelc or .mlpackage folder, or a .mlmodel file; returns its name on the device, its own or `name`.

    Raises:
        TransferError: there is no such model, or it did not arrive.
    """
    files = files_of(model)
    if not files or not model.exists():
        raise TransferError(
            f"{model} is no Core ML model: give a .mlpackage, .mlmodelc or .mlmodel.", serial=device.serial
        )
    called = name or model.name
    for path in files:
        device.push(path, f"{called}/{path.relative_to(model)}" if model.is_dir() else called)
    return called


def run_plan(device: Device, model: str, plan: CoremlPlan, *, tool: str | None = None) -> BenchDocument:
    """Run `plan` in a new process with a model that `push_model` has pushed.

    Args:
        device: an open session.
        model: the model's name on the device.
        plan: what to do.
        tool: path of the command-line runner on a Mac; None for devices whose runner is an app.

    Raises:
        DeviceError: the runner failed, with its own words; or the device did.
        UnreadableOutputError: its document is not one.
    """
    for position, path in enumerate((plan.inputs or {}).values()):
        device.push(path, _input_file(position))
    with tempfile.TemporaryDirectory(prefix="mobile-export-") as folder:
        file = Path(folder, "plan.json")
        file.write_text(json.dumps(plan.to_json(model)), encoding="utf-8")
        remote = device.push(file, "plan.json")
        command = [*([tool] if tool else []), "bench", remote]
        limit = 2 * plan.limit_s + START_UP_S
        result = device.run(command, timeout_s=limit)
        if result.returncode != 0:
            raise CommandFailedError(
                f"The Core ML runner on {device.serial} failed: {result.errors.strip() or 'it said nothing'}",
                serial=device.serial,
            )
        answer = Path(folder, "result.json")
        device.pull(f"{device.workspace}/result.json", answer)
        return read_document(answer.read_bytes(), f"coreml_bench on {device.serial}")


def read_document(content: bytes, where: str) -> BenchDocument:
    """The document in the runner's result file, which is laid out over lines and in another order than on a stream.

    Raises:
        UnreadableOutputError: no document, a damaged one, or one of a newer version.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableOutputError(f"{where} wrote a document that is cut off or damaged: {error}.") from error
    if not isinstance(document, dict) or "schema_version" not in document:
        raise UnreadableOutputError(f"{where} wrote no bench document.")
    version = document.pop("schema_version")
    return parse_bench_document(json.dumps({"schema_version": version, **document}).encode(), where)


class CoremlBench:
    """Implements `Runner` with the Swift runner."""

    name = "coreml_bench"

    def __init__(self, units: str, prepare: Callable[[Device], str | None] = prepare) -> None:
        """Args: units: compute units in the document's words; prepare: builds and installs; gives a Mac's tool."""
        self._units, self._prepare = units, prepare
        self._tool: str | None = None

    def prepare(self, device: Device) -> None:
        """Build the runner, once, and install it."""
        self._tool = self._prepare(device)

    def place(self, device: Device, model: Path, name: str) -> str:
        """Push every file."""
        return push_model(device, model, name)

    def run(self, device: Device, request: RunRequest) -> BenchDocument:
        """See `Runner.run`."""
        settings = Settings.model_validate(
            {
                "accelerator": self._units,
                "warmup_runs": request.warmup_runs,
                "runs": request.runs,
                "min_s": request.min_s,
                "seed": request.seed,
            }
        )
        plan = CoremlPlan(
            settings, warmup_min_s=request.warmup_min_s, limit_s=request.limit_s, placement=request.placement
        )
        return run_plan(device, request.model, plan, tool=self._tool)
