"""This program's float32 TFLite file, run in LiteRT, or float16 Core ML file, run in its evaluator."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from worker import Array, Outcome, Task, run_tflite, snr_db, wanted, work

from exporter import api

TARGETS = """
[targets.tflite]
format = "tflite"
minimum_os = "Android 14"

[targets.coreml]
format = "coreml"
minimum_os = "iOS 17"
input_kind = "tensor"
"""


def attempt(task: Task) -> Outcome:
    """Convert by the Python interface; the route's own check on a sample is part of it."""
    targets = task.folder / "targets.toml"
    targets.write_text(TARGETS)
    module = task.module()
    inputs = [{"name": name, "dtype": dtype, "shape": shape} for name, dtype, shape in task.inputs]
    result = api.run(
        f"{task.zoo}:{task.name}",
        [task.way],
        output=task.folder / "out",
        settings={"inputs": inputs},
        targets_file=targets,
        verify=False,
        measure=False,
    )
    record = result.record.targets[0]
    said = " ".join(record.warnings)
    if record.artifact is None:
        return Outcome(converted=False, reason=record.error or said)
    path = task.folder / "out" / record.artifact.path
    worst = min(_snr(task, path, module, task.examples(seed)) for seed in (1, 2))
    return Outcome(worst, record.artifact.route, record.error or said)


def _snr(task: Task, path: Path, module: torch.nn.Module, examples: Sequence[torch.Tensor]) -> float:
    found = RUNS[task.way](task, path, [tensor.numpy() for tensor in examples])
    return min(snr_db(one, other) for one, other in zip(wanted(module, examples), found, strict=True))


def _in_litert(task: Task, path: Path, inputs: Sequence[Array]) -> list[Array]:
    """A TFLite model's maps have their channels last unless a target says otherwise."""
    found = run_tflite(path, inputs)
    return [np.moveaxis(value, -1, 1) if value.ndim == 4 else value for value in found]


def _in_evaluator(task: Task, path: Path, inputs: Sequence[Array]) -> list[Array]:
    from exporter.formats.coreml.reference import ReferenceModel

    names = [item[0] for item in task.inputs]
    taken = dict(zip(names, map(_as_core_ml_takes, inputs), strict=True))
    return list(ReferenceModel(path).predict(taken).values())


def _as_core_ml_takes(value: Array) -> Array:
    return value if np.issubdtype(value.dtype, np.floating) else value.astype(np.int32)


RUNS = {"tflite": _in_litert, "coreml": _in_evaluator}

IMPORTS = ("exporter.api", "onnx", "onnxscript", "onnxsim", "onnxruntime", "onnx2tf", "ai_edge_litert.interpreter")

if __name__ == "__main__":
    work(attempt, IMPORTS, ("coremltools", "onnx2tf", "ai-edge-litert"))
