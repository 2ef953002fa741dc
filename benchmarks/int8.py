r"""int8 TFLite of this program against TensorFlow's own path: onnx2tf's SavedModel and TensorFlow's converter.

Both calibrate on the same ten examples; the ratio is of all outputs of ten others, against torch, the worst output.

    PYTHONPATH=SITE python benchmarks/int8.py zoo.py squeezenet1_1 mobilenet_v3_small ssdlite320_heads vit_b_16

A zoo is a file of factories as for `zoo.py`. Each model gets a process of its own.
"""

import json
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

CALIBRATE, COMPARE = range(10), range(100, 110)

TARGET = """
[targets.int8]
format = "tflite"
minimum_os = "Android 14"
quantization.mode = "int8"
"""

sys.path.insert(0, str(Path(__file__).parent / "zoo_workers"))


def ours(task: Any) -> Path:
    """By the Python interface."""
    from exporter import api

    (task.folder / "targets.toml").write_text(TARGET, encoding="utf-8")
    given = [task.examples(seed) for seed in CALIBRATE]
    stacked = {name: np.concatenate([item[at] for item in given]) for at, (name, _, _) in enumerate(task.inputs)}
    np.savez(task.folder / "calibration.npz", **stacked)
    result = api.run(
        f"{task.zoo}:{task.name}",
        ["int8"],
        output=task.folder / "out",
        settings={"inputs": [{"name": name, "dtype": dtype, "shape": shape} for name, dtype, shape in task.inputs]},
        targets_file=task.folder / "targets.toml",
        calibration=str(task.folder / "calibration.npz"),
        verify=False,
        measure=False,
    )
    record = result.record.targets[0]
    if record.artifact is None:
        raise RuntimeError(record.error)
    return Path(task.folder / "out" / record.artifact.path)


def tensorflow(task: Any, module: Any) -> Path:
    """As onnx2tf's documentation does it."""
    import onnx2tf
    import torch

    names = [name for name, _, _ in task.inputs]
    source, folder = task.folder / "model.onnx", task.folder / "tf"
    torch.backends.mha.set_fastpath_enabled(False)
    torch.onnx.export(module, task.examples(0), str(source), dynamo=False, input_names=names, opset_version=17)
    data = []
    for at, (name, _, shape) in enumerate(task.inputs):
        values = np.concatenate([task.examples(seed)[at] for seed in CALIBRATE])
        values = np.moveaxis(values, 1, -1) if len(shape) == 4 else values
        np.save(task.folder / f"{name}.npy", values)
        plain = [[[[0.0] * values.shape[-1]]]], [[[[1.0] * values.shape[-1]]]]
        data.append([name, str(task.folder / f"{name}.npy"), *plain])
    onnx2tf.convert(
        input_onnx_file_path=str(source),
        output_folder_path=str(folder),
        tflite_backend="tf_converter",
        output_integer_quantized_tflite=True,
        quant_type="per-channel",
        custom_input_op_name_np_data_path=data,
        non_verbose=True,
    )
    return Path(next(folder.glob("*_integer_quant.tflite")))


def measured(zoo: str, model: str) -> dict[str, Any]:
    """Ratios in dB and bytes of both."""
    from worker import Task, best_over_orders, run_tflite, wanted

    loaded = runpy.run_path(zoo, run_name="zoo")
    with tempfile.TemporaryDirectory() as name:
        task = Task(Path(zoo), model, tuple(loaded["INPUTS"][model]), loaded[model], Path(name), "int8")
        module = task.module()
        found: dict[str, list[Any]] = {}
        for way, make in (("ours", partial(ours, task)), ("tensorflow", partial(tensorflow, task, module))):
            try:
                path = make()
                given = [task.examples(seed) for seed in COMPARE]
                pairs = [(wanted(module, item), run_tflite(path, [value.numpy() for value in item])) for item in given]
                outputs = [list(map(np.concatenate, zip(*side, strict=True))) for side in zip(*pairs, strict=True)]
                found[way] = [best_over_orders(outputs[0], outputs[1]), path.stat().st_size]
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it is what the table tells
                found[way] = [f"{type(error).__name__}: {error}"[:120], 0]
    return found


def row(model: str, found: dict[str, Sequence[Any]]) -> str:
    """Of the table."""
    cells = [f"{value:.1f} dB, {size:,} bytes" if size else str(value) for value, size in found.values()]
    return f"| {model} | {' | '.join(cells)} |"


def main() -> None:
    """Print a table."""
    zoo, *models = sys.argv[1:]
    if models[:1] == ["--one"]:
        print(json.dumps(measured(zoo, models[1])))
        return
    print("| model | ours | TensorFlow |\n|---|---|---|")
    for model in models:
        done = subprocess.run([sys.executable, __file__, zoo, "--one", model], capture_output=True, text=True)
        said = done.stdout.strip().splitlines()
        print(
            row(model, json.loads(said[-1])) if done.returncode == 0 else f"| {model} | {done.stderr[-200:]} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
