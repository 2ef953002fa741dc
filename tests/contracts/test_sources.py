"""What every kind of MODEL argument owes, whatever it is: one suite over one network in each form."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from exporter.data.errors import UsageProblem
from exporter.data.settings.model import ModelSettings
from exporter.sources.load import load_source
from exporter.sources.registry import classify, light_key, source_for
from exporter.sources.source import ModelSource
from exporter.verification.runners import OnnxRunner, TorchRunner

SHAPE = (1, 3, 8, 8)
SETTINGS = ModelSettings.model_validate({"inputs": ({"name": "image", "shape": SHAPE},), "trust_pickle": True})
CODE = """
import torch
from torch import nn

def net():
    torch.manual_seed({seed})
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5)).eval()
"""

Write = Callable[[Path, nn.Module, int], str]
"""Writes the network of a seed into a folder; gives the MODEL argument."""


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5)).eval()


def factory(folder: Path, _: nn.Module, seed: int) -> str:
    (folder / "net.py").write_text(CODE.format(seed=seed))
    return f"{folder / 'net.py'}:net"


def exported(folder: Path, net: nn.Module, _: int) -> str:
    torch.export.save(torch.export.export(net, (torch.zeros(SHAPE),)), folder / "net.pt2")
    return str(folder / "net.pt2")


def script(folder: Path, net: nn.Module, _: int) -> str:
    torch.jit.trace(net, torch.zeros(SHAPE)).save(str(folder / "net.pt"))
    return str(folder / "net.pt")


def pickled(folder: Path, net: nn.Module, _: int) -> str:
    torch.save(net, folder / "net.pth")
    return str(folder / "net.pth")


def onnx(folder: Path, net: nn.Module, _: int) -> str:
    torch.onnx.export(net, (torch.zeros(SHAPE),), str(folder / "net.onnx"), dynamo=False, input_names=["image"])
    return str(folder / "net.onnx")


forms = pytest.mark.parametrize("write", [factory, exported, script, pickled, onnx])


def outputs(source: ModelSource) -> np.ndarray:  # type: ignore[type-arg]
    runner = (
        TorchRunner(source.module) if source.onnx_path is None else OnnxRunner(source.onnx_path, source.description)
    )
    return runner([np.linspace(-1, 1, 192, dtype=np.float32).reshape(SHAPE)])[0]


@forms
def test_it_computes_what_the_network_does_and_describes_it(write: Write, tmp_path: Path) -> None:
    source = load_source(write(tmp_path, network(1), 1), SETTINGS)
    with torch.no_grad():
        wanted = network(1)(torch.linspace(-1, 1, 192).reshape(SHAPE)).numpy()
    np.testing.assert_allclose(outputs(source), wanted, atol=1e-5)
    assert [spec.shape for spec in source.description.inputs] == [SHAPE]
    assert source.description.output_shapes == ((1, 5),)
    assert source.description.parameters == 3 * 4 * 9 + 4 + 144 * 5 + 5
    assert source.description.size_bytes == 4 * source.description.parameters


@forms
def test_loaded_again_it_is_the_same_and_other_weights_are_another(write: Write, tmp_path: Path) -> None:
    """A digest that changes converts everything anew; one that does not gives the artifact of another model."""
    spec = write(tmp_path, network(1), 1)
    first = load_source(spec, SETTINGS).description
    assert load_source(spec, SETTINGS).description == first
    write(tmp_path, network(2), 2)
    assert load_source(spec, SETTINGS).description.digest != first.digest


@forms
def test_what_can_be_known_without_loading_changes_with_the_file(write: Write, tmp_path: Path) -> None:
    spec = write(tmp_path, network(1), 1)
    settings = SETTINGS.model_copy(update={"trust_pickle": False})
    before = light_key(spec, settings)
    assert (before is None) == (source_for(spec).files(spec) is None)
    write(tmp_path, network(2), 2)
    assert before is None or light_key(spec, settings) != before


@forms
def test_a_model_that_is_not_there_is_refused_in_words(write: Write, tmp_path: Path) -> None:
    spec = write(tmp_path, network(1), 1)
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(UsageProblem, match="no such file"):
        load_source(spec, SETTINGS)


def test_kinds_are_told_apart_and_found_without_heavy_libraries() -> None:
    """Whatever asks only for a description from the cache starts at once."""
    script = (
        "import sys\n"
        "from exporter.sources.registry import source_for\n"
        "assert source_for('torchvision:x').files('torchvision:x') == []\n"
        "assert source_for('a.b:c').files('a.b:c') is None\n"
        "print(*sorted({'torch', 'torchvision', 'onnx', 'tensorflow'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert classify("torchvision:x").value == "torchvision"
