"""What every kind of MODEL argument owes, whatever it is: one suite over one network in each form."""

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import timm
import torch
import transformers
from torch import nn

from exporter.data.errors import UsageProblem
from exporter.data.settings.model import ModelSettings
from exporter.sources.load import load_source
from exporter.sources.registry import classify, light_key, source_for
from exporter.sources.source import ModelSource
from exporter.verification.runners import OnnxRunner, TorchRunner

TRUST = {"trust_pickle": True}
CODE = """
import torch
from torch import nn

def net():
    torch.manual_seed({seed})
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5)).eval()
"""


@dataclass(frozen=True)
class Form:
    """A network as MODEL arguments.

    Attributes:
        write: what the argument needs for the network of a seed, into a folder; gives the argument.
        network: of a seed, in eval mode.
        shape: of its one input.
        weights: the file in the folder that ``--weights`` names; empty where the argument has its weights.
        folds: whether loading folds batch norms, which leaves fewer tensors.
    """

    write: Callable[[Path, nn.Module, int], str]
    network: Callable[[int], nn.Module]
    shape: tuple[int, ...] = (1, 3, 8, 8)
    weights: str = ""
    folds: bool = False

    def settings(self, folder: Path, **given: Any) -> ModelSettings:
        known = {"weights": str(folder / self.weights)} if self.weights else {}
        return ModelSettings.model_validate({"inputs": ({"name": "image", "shape": self.shape},), **known, **given})


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5)).eval()


def factory(folder: Path, _: nn.Module, seed: int) -> str:
    (folder / "net.py").write_text(CODE.format(seed=seed))
    return f"{folder / 'net.py'}:net"


def exported(folder: Path, net: nn.Module, _: int) -> str:
    torch.export.save(torch.export.export(net, (torch.zeros(1, 3, 8, 8),)), folder / "net.pt2")
    return str(folder / "net.pt2")


def script(folder: Path, net: nn.Module, _: int) -> str:
    torch.jit.trace(net, torch.zeros(1, 3, 8, 8)).save(str(folder / "net.pt"))
    return str(folder / "net.pt")


def pickled(folder: Path, net: nn.Module, _: int) -> str:
    torch.save(net, folder / "net.pth")
    return str(folder / "net.pth")


def onnx(folder: Path, net: nn.Module, _: int) -> str:
    example = torch.zeros(1, 3, 8, 8)
    torch.onnx.export(net, (example,), str(folder / "net.onnx"), dynamo=False, input_names=["image"])
    return str(folder / "net.onnx")


def of_timm(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    net: nn.Module = timm.create_model("test_resnet").eval()
    return net


def state_dict(spec: str) -> Callable[[Path, nn.Module, int], str]:
    """Writes the weights of a network that `spec` has the architecture of."""

    def write(folder: Path, net: nn.Module, _: int) -> str:
        torch.save(net.state_dict(), folder / "state.pt")
        return spec

    return write


class Vit(nn.Module):
    """transformers' ViT, without the object that it puts its logits into."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net(image).logits
        return logits


def of_transformers(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.ViTConfig(**size, image_size=8, patch_size=4, num_labels=5)
    return Vit(transformers.ViTForImageClassification(config).eval())


def saved(folder: Path, net: nn.Module, _: int) -> str:
    """transformers' own way to save a model."""
    assert isinstance(net, Vit)
    net.net.save_pretrained(folder)
    return f"transformers:{folder}"


def of_smp(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    net: nn.Module = smp.FPN("tu-test_resnet", encoder_weights=None, classes=2).eval()
    return net


def of_ultralytics(seed: int) -> nn.Module:
    ultralytics = pytest.importorskip("ultralytics", reason="under the AGPL, in no extra that tests install")
    torch.manual_seed(seed)
    net: nn.Module = ultralytics.YOLO("yolo11n.yaml", verbose=False).model.eval()
    net.model[-1].export = True  # type: ignore[index,union-attr]
    return net


FORMS = {
    "factory": Form(factory, network),
    "exported": Form(exported, network),
    "script": Form(script, network),
    "pickled": Form(pickled, network),
    "onnx": Form(onnx, network),
    "timm": Form(state_dict("timm:test_resnet"), of_timm, (1, 3, 32, 32), "state.pt"),
    "transformers": Form(saved, of_transformers),
    "smp": Form(state_dict("smp:fpn:tu-test_resnet"), of_smp, (1, 3, 64, 64), "state.pt"),
    "ultralytics": Form(state_dict("ultralytics:yolo11n.yaml"), of_ultralytics, (1, 3, 64, 64), "state.pt", folds=True),
}
forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def outputs(source: ModelSource, example: torch.Tensor) -> np.ndarray:  # type: ignore[type-arg]
    runner = (
        TorchRunner(source.module) if source.onnx_path is None else OnnxRunner(source.onnx_path, source.description)
    )
    return runner([example.numpy()])[0]


@forms
def test_it_computes_what_the_network_does_and_describes_it(form: Form, tmp_path: Path) -> None:
    net = form.network(1)
    source = load_source(form.write(tmp_path, net, 1), form.settings(tmp_path, **TRUST))
    example = torch.linspace(-1, 1, math.prod(form.shape)).reshape(form.shape)
    with torch.no_grad():
        wanted = net(example).numpy()
    np.testing.assert_allclose(outputs(source, example), wanted, atol=1e-3 if wanted.max() > 10 else 1e-5)
    assert [spec.shape for spec in source.description.inputs] == [form.shape]
    assert source.description.output_shapes == (wanted.shape,)
    held = (source.module if form.folds else net).state_dict().values()
    assert source.description.parameters == sum(tensor.numel() for tensor in held)
    assert source.description.size_bytes == sum(tensor.nbytes for tensor in held)


@forms
def test_loaded_again_it_is_the_same_and_other_weights_are_another(form: Form, tmp_path: Path) -> None:
    """A digest that changes converts everything anew; one that does not gives the artifact of another model."""
    spec, settings = form.write(tmp_path, form.network(1), 1), form.settings(tmp_path, **TRUST)
    first = load_source(spec, settings).description
    assert load_source(spec, settings).description == first
    form.write(tmp_path, form.network(2), 2)
    assert load_source(spec, settings).description.digest != first.digest


@forms
def test_what_can_be_known_without_loading_changes_with_the_file(form: Form, tmp_path: Path) -> None:
    spec, settings = form.write(tmp_path, form.network(1), 1), form.settings(tmp_path)
    before = light_key(spec, settings)
    assert (before is None) == (source_for(spec).files(spec) is None)
    form.write(tmp_path, form.network(2), 2)
    assert before is None or light_key(spec, settings) != before


@forms
def test_a_model_that_is_not_there_is_refused_in_words(form: Form, tmp_path: Path) -> None:
    spec = form.write(tmp_path, form.network(1), 1)
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(UsageProblem, match="no such file"):
        load_source(spec, form.settings(tmp_path, **TRUST))


def test_kinds_are_told_apart_and_found_without_heavy_libraries() -> None:
    """Whatever asks only for a description from the cache starts at once."""
    script = (
        "import sys\n"
        "from exporter.sources.registry import source_for\n"
        "assert source_for('torchvision:x').files('torchvision:x') == []\n"
        "assert source_for('timm:x').files('timm:x') == []\n"
        "assert source_for('smp:x').files('smp:x') == []\n"
        "assert source_for('ultralytics:x.pt').files('ultralytics:x.pt') == []\n"
        "assert list(source_for('transformers:o/x').files('transformers:o/x')) == []\n"
        "assert source_for('a.b:c').files('a.b:c') is None\n"
        "print(*sorted({'torch', 'torchvision', 'onnx', 'tensorflow', 'timm', 'transformers'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert classify("torchvision:x").value == "torchvision"
