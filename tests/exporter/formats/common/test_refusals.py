"""A refusal names the layer, the operator, who refused and what to do; nothing of a library's inside."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from exporter.data.errors import ToolError
from exporter.formats.common.refusals import layer_of_onnx, layer_of_scope, plain, remedy
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.settings import TfliteTarget
from tests.exporter.formats.common.by_hand import source_of

TARGETS: dict[str, CoremlTarget | TfliteTarget] = {
    "tflite": TfliteTarget.model_validate({"name": "t", "format": "tflite", "minimum_os": "Android 12"}),
    "coreml": CoremlTarget.model_validate({"name": "c", "format": "coreml", "minimum_os": "iOS 17"}),
}


class Special(nn.Module):
    def __init__(self, function: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


class Net(nn.Module):
    """The operator sits in the layer ``head.special``."""

    def __init__(self, function: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Linear(4, 4)
        self.head = nn.Sequential()
        self.head.add_module("special", Special(function))

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.stem(x))


BOTH: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "lgamma": (torch.lgamma, "polynomial"),
    "(special_)?i0": (torch.special.i0, "polynomial"),
    "digamma": (torch.digamma, "polynomial"),
    "erfinv": (lambda x: torch.erfinv(torch.tanh(x)), "polynomial"),
    "histc": (lambda x: torch.histc(x, 4), "torch.topk"),
    "linalg_svd": (lambda x: torch.linalg.svd(x)[1], "linear algebra"),
    "linalg_qr": (lambda x: torch.linalg.qr(x)[0], "linear algebra"),
    "linalg_cholesky": (lambda x: torch.linalg.cholesky(x @ x.T + 9 * torch.eye(4)), "linear algebra"),
    "linalg_eigvalsh|_linalg_eigh": (lambda x: torch.linalg.eigvalsh(x @ x.T), "linear algebra"),
    "linalg_matrix_exp|matrix_exp": (lambda x: torch.linalg.matrix_exp(x), "linear algebra"),
    "kthvalue": (lambda x: torch.kthvalue(x, 2, 1)[0], "torch.topk"),
}
TFLITE_ALONE = {
    "fft_fft2|DFT": (lambda x: torch.fft.fft2(x).real, "spectrum"),
    "complex": (lambda x: torch.istft(torch.complex(x, x)[:3], 4, 2, window=torch.hann_window(4)), "spectrum"),
    "Unique|UNIQUE": (lambda x: torch.unique(x), "torch.topk"),
    "Det|DET": (lambda x: torch.linalg.det(x), "linear algebra"),
}


@pytest.mark.parametrize("format_name", ["tflite", "coreml"])
@pytest.mark.parametrize("operator", BOTH)
def test_both_formats_say_what_where_who_and_what_to_do(operator: str, format_name: str, tmp_path: Path) -> None:
    function, advice = BOTH[operator]
    _check(refused(function, format_name, tmp_path), operator, advice, format_name)


@pytest.mark.parametrize("operator", TFLITE_ALONE)
def test_what_tflite_alone_cannot(operator: str, tmp_path: Path) -> None:
    function, advice = TFLITE_ALONE[operator]
    _check(refused(function, "tflite", tmp_path), operator, advice, "tflite")


def refused(function: Callable[[torch.Tensor], Any], format_name: str, folder: Path) -> str:
    session = ConversionSession(source_of(Net(function), {"x": (4, 4)}), None, 1)
    with pytest.raises(ToolError) as caught:
        session.convert(TARGETS[format_name], folder)
    return str(caught.value)


def _check(text: str, operator: str, advice: str, format_name: str) -> None:
    who = {"tflite": "The ONNX export|TensorFlow|This program|trace|dynamo", "coreml": "coremltools"}[format_name]
    sentence, *others = text.splitlines()
    assert all(line.startswith(("No other route", "  ")) for line in others)
    assert re.match(f"({who}).* cannot convert operator ({operator}) in layer head.special", sentence), sentence
    assert advice in sentence
    assert sentence.endswith("or choose another target.")
    assert "site-packages" not in text
    assert "loc(" not in text


def test_the_line_of_the_users_own_code_is_named(tmp_path: Path) -> None:
    sentence = refused(lambda x: torch.lgamma(x), "tflite", tmp_path)
    assert re.search(r"layer head.special \(test_refusals.py, line \d+\)", sentence)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\nb", "a"),
        (
            "Could not translate./opt/some/lib/python3.11/site-packages/tf_keras/x.py:96:1: error: no",
            "Could not translate. error: no",
        ),
        ("STFT has no complex types  [Caused by the value '5 defined in (%5 ...", "STFT has no complex types"),
        ("no threshold. Please feel free to request support", "no threshold"),
        ("", ""),
    ],
)
def test_words_of_a_library_lose_what_is_its_own(text: str, kept: str) -> None:
    assert plain(text) == kept


def test_long_words_are_cut_at_a_space() -> None:
    assert plain("word " * 100).endswith("word ...")
    assert len(plain("word " * 100)) <= 204


@pytest.mark.parametrize(
    ("scope", "layer"),
    [
        ("__module.encoder/__module.encoder.layers.0", "encoder.layers.0"),
        ("__module.module/__module.module.head/__module.module.head.special", "head.special"),
        ("", ""),
    ],
)
def test_scopes_of_a_trace_are_layers(scope: str, layer: str) -> None:
    assert layer_of_scope(scope) == layer


def test_names_of_onnx_nodes_are_layers() -> None:
    assert layer_of_onnx("/encoder/layers.0/norm/Erf") == "layer encoder.layers.0.norm"
    assert layer_of_onnx("/features/features.0/features.0.1/Conv") == "layer features.0.1"
    assert layer_of_onnx("/Erf") == "the model's own forward"
    assert layer_of_onnx("/module/head/Erf") == "layer head"


def test_every_operator_has_a_remedy() -> None:
    assert "topk" in remedy("sort")
    assert remedy("something_new").startswith("Replace it there")
