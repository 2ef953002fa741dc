"""The demo, and the example of the README on the shared network and images."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_demo_passes_all_gates_with_real_accuracy(installed: RunCommand, tmp_path: Path) -> None:
    environment = {**os.environ, "MOBILE_EXPORT_CACHE": str(tmp_path / "cache")}
    done = installed("demo", "--output", "out", "-f", "json", env=environment)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert sorted(target["format"] for target in record["targets"]) == ["coreml", "coreml", "tflite", "tflite"]
    assert record["source"]["top1"] > 0.97
    assert all(target["parities"][0]["top1"] > 0.95 for target in record["targets"])
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.slow
def test_readme_example_on_the_shared_network(shared: Path, installed: RunCommand, tmp_path: Path) -> None:
    """Every TFLite verdict passes on MobileNetV2; 60 of the 500 images and no readings here keep the suite short."""
    with zipfile.ZipFile(shared / "data" / "imagenet_sample_500.zip") as archive:
        archive.extractall(tmp_path / "images")
    environment = {**os.environ, "MOBILE_EXPORT_CACHE": str(tmp_path / "cache")}
    weights, images = shared / "models" / "mobilenet_v2_imagenet.pt", tmp_path / "images"
    model = ("torchvision:mobilenet_v2", "--weights", weights, "--mean", 0.5, "--std", 0.5)
    targets = ("--target", "pixel-8", "--target", "iphone-15")
    calibration = ("--calibration", images, "--calibration-samples", 40)
    evaluation = ("--evaluation", images / "labels.csv", "--evaluation-samples", 60)
    given = (*model, *targets, *calibration, *evaluation, "--no-measure")
    done = installed("run", *given, "--output", "build", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "build" / "run.json").read_text())
    verdicts = [
        verdict for target in record["targets"] if target["format"] == "tflite" for verdict in target["verdicts"]
    ]
    assert {verdict["metric"] for verdict in verdicts} == {
        "size",
        "parity.snr",
        "parity.channels",
        "accuracy.top1_drop",
    }
    assert {verdict["status"] for verdict in verdicts} == {"passed"}


@pytest.mark.slow
def test_inspecting_100_mb_loads_no_tensorflow(tmp_path: Path) -> None:
    """Protects `inspect` on machines without TensorFlow; its time is measured in benchmarks."""
    script = (
        "import sys\nfrom exporter.cli.main import main\n"
        "try:\n    main(['inspect', sys.argv[1]])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "assert not {'tensorflow', 'torch', 'ai_edge_litert', 'coremltools'} & set(sys.modules)\n"
    )
    model = _large_model(tmp_path / "large.tflite")
    done = subprocess.run([sys.executable, "-c", script, str(model)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "float32 100.00 MB" in done.stdout


def _large_model(path: Path) -> Path:
    """A fully connected layer of 25 million weights, written with the schema alone."""
    import flatbuffers
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    model, graph = schema.ModelT(), schema.SubGraphT()
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    weights = np.random.default_rng(0).standard_normal(25_000_000, dtype=np.float32)
    buffers = [schema.BufferT(), schema.BufferT()]
    buffers[1].data = weights.view(np.uint8)
    tensors = []
    for name, shape, buffer in (("x", [1, 5000], 0), ("layer.weight", [5000, 5000], 1), ("y", [1, 5000], 0)):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer, tensor.type = name.encode(), shape, buffer, schema.TensorType.FLOAT32
        tensors.append(tensor)
    operator = schema.OperatorT()
    operator.inputs, operator.outputs, operator.opcodeIndex = [0, 1], [2], 0
    graph.tensors, graph.inputs, graph.outputs, graph.operators = tensors, [0], [2], [operator]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], buffers
    builder = flatbuffers.Builder(weights.nbytes + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(builder.Output())
    return path
