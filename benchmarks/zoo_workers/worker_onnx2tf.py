"""onnx2tf's float32 TFLite model, as it writes it by default, from either of torch's ONNX exporters; run in LiteRT."""

from pathlib import Path

import torch
from worker import Outcome, Task, tflite_snr, work


def attempt(task: Task) -> Outcome:
    """Convert as its documentation does."""
    import onnx2tf

    module = task.module()
    onnx2tf.convert(
        input_onnx_file_path=str(_onnx(task, module)), output_folder_path=str(task.folder), verbosity="error"
    )
    path = next(task.folder.glob("*_float32.tflite"))
    return Outcome(tflite_snr(path, task, module), route=task.way)


def _onnx(task: Task, module: torch.nn.Module) -> Path:
    path = task.folder / "model.onnx"
    names = [item[0] for item in task.inputs]
    if task.way == "dynamo":
        torch.onnx.export(module, task.examples(0), str(path), dynamo=True, input_names=names, external_data=False)
    else:
        torch.onnx.export(module, task.examples(0), str(path), dynamo=False, input_names=names, opset_version=17)
    return path


IMPORTS = ("onnx", "onnxscript", "onnxsim", "onnx2tf", "ai_edge_litert.interpreter")

if __name__ == "__main__":
    work(
        attempt,
        ("onnx", "onnxscript", "onnxsim", "onnx2tf", "ai_edge_litert.interpreter"),
        ("onnx2tf", "onnx", "ai-edge-litert"),
    )
