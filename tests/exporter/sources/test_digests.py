"""The cache never answers for another model: one value changed anywhere changes the digest, and nothing else does."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from exporter.data.settings.model import ModelSettings
from exporter.sources.fingerprint import fingerprint
from exporter.sources.load import load_source
from exporter.sources.registry import light_key
from tests.warm import warmly

PARTS = """
import dataclasses, torch, numpy
from torch import nn

CHANGED = "{changed}"
LARGE = torch.linspace(0, 1, 2000)
LARGE_GLOBAL = LARGE.clone()
NUMBER_GLOBAL = 0.1


def value(name):
    tensor = LARGE.clone()
    if CHANGED == name:
        tensor[1234] += 1e-6
    return tensor


def number(name):
    return 0.10000000001 if CHANGED == name else 0.1


LARGE_GLOBAL = value("global")
NUMBER_GLOBAL = number("number_global")


@dataclasses.dataclass
class Held:
    tensor: torch.Tensor


class Plain:
    def __init__(self, tensor):
        self.tensor = tensor


def closed_over(tensor):
    return lambda x: x + tensor


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = value("submodule")

    def forward(self, x):
        return x * self.plain


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(value("parameter"))
        self.register_buffer("kept", value("buffer"))
        self.register_buffer("lost", value("buffer_not_persistent"), persistent=False)
        self.plain = value("attribute")
        self.listed = [value("list"), (value("tuple"),)]
        self.named = {{"b": value("dict"), "a": 1}}
        self.held = Held(value("dataclass"))
        self.object = Plain(value("object"))
        self.array = value("array").numpy()
        self.scale = number("number")
        self.threshold = number("branch")
        self.closure = closed_over(value("closure"))
        self.inner = Inner()
        self.script = torch.jit.script(Inner())

    def forward(self, x):
        if x.mean() > 10 + self.threshold:
            return -x
        if x.mean() > {branch_constant}:
            return x * 2
        y = x * self.weight + self.kept + self.lost + self.plain + self.listed[0] + self.listed[1][0]
        y = y + self.named["b"] + self.held.tensor + self.object.tensor + torch.from_numpy(self.array)
        return self.script(self.inner(self.closure(y * self.scale + LARGE_GLOBAL + NUMBER_GLOBAL)))


def net():
    return Net().eval()
"""
NAMES = [
    "parameter",
    "buffer",
    "buffer_not_persistent",
    "attribute",
    "list",
    "tuple",
    "dict",
    "dataclass",
    "object",
    "array",
    "number",
    "branch",
    "closure",
    "submodule",
    "global",
    "number_global",
]


def digest(folder: Path, changed: str = "", constant: str = "20") -> str:
    """Of the network with one value changed, loaded anew."""
    (folder / "parts.py").write_text(PARTS.format(changed=changed, branch_constant=constant))
    settings = ModelSettings.model_validate({"inputs": ({"name": "x", "shape": (1, 2000)},)})
    return load_source(f"{folder / 'parts.py'}:net", settings).description.digest


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> str:
    return digest(tmp_path_factory.mktemp("unchanged"))


@pytest.mark.parametrize("name", NAMES)
def test_one_value_changed_anywhere_is_another_model(name: str, unchanged: str, tmp_path: Path) -> None:
    assert digest(tmp_path, name) != unchanged


def test_code_that_only_decides_a_branch_counts(unchanged: str, tmp_path: Path) -> None:
    assert digest(tmp_path, constant="21") != unchanged


@pytest.mark.slow
def test_equal_models_have_one_digest_in_every_process(unchanged: str, tmp_path: Path) -> None:
    """Protects the cache's use: no address, no order of a set, no mangled name takes part."""
    assert digest(tmp_path) == unchanged
    script = (
        "from pathlib import Path\nfrom tests.exporter.sources.test_digests import digest\n"
        f"print(digest(Path({str(tmp_path)!r})))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "", "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert done.stdout.strip() == unchanged


def test_weights_that_nobody_seeded_are_the_same_when_made_again(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("from torch import nn\ndef net(): return nn.Linear(3, 2)\n")
    settings = ModelSettings.model_validate({"inputs": ({"name": "x", "shape": (1, 3)},)})
    first, second = (load_source(f"{tmp_path / 'net.py'}:net", settings) for _ in range(2))
    torch.testing.assert_close(first.module.weight, second.module.weight, rtol=0, atol=0)
    assert first.description.digest == second.description.digest


def test_a_model_that_holds_itself_ends(tmp_path: Path) -> None:
    loop = nn.Linear(2, 2)
    loop.held = [loop]  # type: ignore[assignment]
    assert fingerprint(loop) == fingerprint(loop)


class Closed:
    """Refuses to be looked into."""

    __slots__ = ("value",)

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("closed")


UNTRACEABLE = """
from torch import nn

class Net(nn.Linear):
    calls = 0
    def forward(self, x):
        Net.calls += 1
        assert Net.calls < 2, "once only"
        return super().forward(x)

def net():
    return Net(3, 2)
"""


def test_what_cannot_be_looked_into_or_traced_refuses_no_model(tmp_path: Path) -> None:
    """Protects models that run: only their conversion may say that they cannot be converted."""
    net = nn.Linear(2, 2)
    net.closed = Closed()  # type: ignore[assignment]
    assert fingerprint(net) == fingerprint(net)
    (tmp_path / "net.py").write_text(UNTRACEABLE)
    settings = ModelSettings.model_validate({"inputs": ({"name": "x", "shape": (1, 3)},)})
    assert load_source(f"{tmp_path / 'net.py'}:net", settings).description.output_shapes == ((1, 2),)


def test_values_that_print_alike_differ() -> None:
    large = np.linspace(0, 1, 5000)
    other = large.copy()
    other[2500] += 1e-12
    assert fingerprint(large) != fingerprint(other)
    assert fingerprint({1, "1"}) == fingerprint({"1", 1})
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])
    assert fingerprint(1) != fingerprint(True) != fingerprint(1.0)
    assert fingerprint(torch.zeros(2)) != fingerprint(torch.zeros(2, dtype=torch.float64))


def test_onnx_weights_in_a_file_beside_the_model_count(tmp_path: Path) -> None:
    """Protects models over 2 GB and every model of torch's newer exporter, whose weights are in ``model.onnx.data``."""
    import onnx

    net = nn.Linear(64, 64)
    path = tmp_path / "net.onnx"
    torch.onnx.export(net, (torch.zeros(1, 64),), str(path), dynamo=False, input_names=["x"])
    model = onnx.load(str(path))
    onnx.save(model, str(path), save_as_external_data=True, location="net.data", size_threshold=0)
    before = load_source(str(path), ModelSettings()).description.digest, light_key(str(path), ModelSettings())
    data = bytearray((tmp_path / "net.data").read_bytes())
    data[100] ^= 1
    (tmp_path / "net.data").write_bytes(data)
    after = load_source(str(path), ModelSettings()).description.digest, light_key(str(path), ModelSettings())
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize("installed", [True, False])
def test_code_under_any_folder_of_installed_packages_counts_by_its_version(tmp_path: Path, installed: bool) -> None:
    """Protects the time of loading: a library's code is not walked over, wherever ``pip install --target`` put it."""
    found = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        (folder / "some_library.dist-info").mkdir(parents=True) if installed else folder.mkdir()
        (folder / "some_library.py").write_text(f"def act(x):\n    return x + {number}\n")
        found.append(warmly(fingerprint_of_library, folder))
    assert (found[0] == found[1]) is installed


def fingerprint_of_library(folder: Path) -> str:
    """Of `some_library.act` in `folder`; in a process of its own."""
    sys.path.insert(0, str(folder))
    return fingerprint(import_module("some_library").act)
