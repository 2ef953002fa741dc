"""Attention in integers: masks, normalizations, indices; the extremes that decide each scale are the tensor's own."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from torch import nn

from exporter.data.errors import ToolError
from exporter.datasets.dataset import Dataset
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.conversion.check import loadable
from exporter.formats.tflite.conversion.file import pack, parse
from exporter.formats.tflite.inspection.reader import inspect_tflite
from exporter.formats.tflite.quantization.calibration import calibrated
from exporter.formats.tflite.runner import LiteRTRunner
from exporter.formats.tflite.settings import TfliteTarget
from profilers.decibels import snr_db
from tests.exporter.formats.common.attention import LENGTH, MASKS, WIDTH, example, module_of, network, session
from tests.exporter.formats.common.by_hand import source_of


def target(mode: str) -> TfliteTarget:
    table = {"name": "t", "format": "tflite", "minimum_os": "Android 14", "quantization": {"mode": mode}}
    return TfliteTarget.model_validate(table)


def snr_of(path: Path, module: nn.Module, names: Sequence[str], examples: Sequence[Sequence[NDArray[Any]]]) -> float:
    """Of the file's only output, in dB."""
    from ai_edge_litert.interpreter import Interpreter

    run, wanted, found = Interpreter(str(path)).get_signature_runner(), [], []
    for given in examples:
        with torch.no_grad():
            wanted.append(module(*(torch.from_numpy(value[None]) for value in given)).numpy())
        found.append(run(**{name: value[None] for name, value in zip(names, given, strict=True)})["output"])
    return snr_db(np.stack(wanted), np.stack(found))


@pytest.mark.parametrize(("mode", "least_db"), [("int8", 23), ("int16x8", 29)])
@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_costs_no_accuracy(mask: str, mode: Literal["int8", "int16x8"], least_db: float, tmp_path: Path) -> None:
    """Protects every decoder, and encoders of padded text: scores were one step of the mask's grid, or LiteRT ended."""
    made = session(mask).convert(target(mode), tmp_path)
    given = [example(index) for index in range(20, 40)]
    assert snr_of(made.path, module_of(mask), ["x", "seen"], given) > least_db


class Encoder(nn.Module):
    """Indices that may be negative, a residual sum that outgrows what is added, and normalizations of small values."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.first, self.second = nn.Embedding(50, 32), nn.LayerNorm(32), nn.LayerNorm(32)
        self.dense = nn.Linear(32, 32)
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.dense.weight, std=0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.first(self.words(ids))
        return self.second(x + self.dense(x))


@pytest.mark.parametrize(("mode", "least_db"), [("int8", 30), ("int16x8", 40)])
def test_an_encoder_of_words_in_integers(mode: str, least_db: float, tmp_path: Path) -> None:
    """Protects BERT: its int8 file gave the same for every text, and int16x8 was refused for its indices."""
    module = network(Encoder)
    words = [(np.random.default_rng(index).integers(0, 50, 9),) for index in range(30)]
    data = Dataset("words", "words", 10, lambda index: words[index])
    made = ConversionSession(source_of(module, {"ids": (1, 9)}), data, 10).convert(target(mode), tmp_path)
    assert snr_of(made.path, module, ["ids"], words[10:]) > least_db


class Quotient(nn.Module):
    """Its divisor takes every byte."""

    def forward(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        return x / (1 + x.abs().sum(-1, keepdim=True)) + 0 * seen[..., None]


def test_a_quotient_never_fails_at_run_time(tmp_path: Path) -> None:
    """Protects apps: LiteRT's int8 kernel refuses the byte 0, which is no zero."""
    source = source_of(Quotient(), {"x": (1, LENGTH, WIDTH), "seen": (1, LENGTH)})
    made = ConversionSession(source, Dataset("noise", "noise", 8, example), 8).convert(target("int8"), tmp_path)
    assert snr_of(made.path, source.module, ["x", "seen"], [example(index) for index in range(20, 80)]) > 25
    assert [op.dtype for op in inspect_tflite(made.path).ops if op.type == "DIV"] == ["float32"]


def test_extremes_are_those_of_the_tensor_itself(tmp_path: Path) -> None:
    """Protects every int8 scale: an operator that writes over its operand had its result counted among the operand's.

    What each tensor holds is read from LiteRT with all memory kept.
    """
    from ai_edge_litert.interpreter import Interpreter

    path = session("none").convert(target("float32"), tmp_path).path
    given = [[value[None] for value in example(index)] for index in range(4)]
    keeping = Interpreter(str(path), experimental_preserve_all_tensors=True, num_threads=1)
    keeping.allocate_tensors()
    graph = parse(calibrated(path.read_bytes(), given)).subgraphs[0]
    written = sorted({int(place) for operator in graph.operators for place in operator.outputs})
    seen: dict[int, list[NDArray[Any]]] = {place: [] for place in written}
    for values in given:
        for detail, value in zip(keeping.get_input_details(), values, strict=True):
            keeping.set_tensor(detail["index"], value)
        keeping.invoke()
        for place in written:
            seen[place].append(keeping.get_tensor(place))
    for place, values in seen.items():
        quantization = graph.tensors[place].quantization
        assert quantization.min[0] == pytest.approx(min(map(np.min, values)), rel=1e-4, abs=1e-6)
        assert quantization.max[0] == pytest.approx(max(map(np.max, values)), rel=1e-4, abs=1e-6)


def test_a_calibrated_file_has_its_own_outputs(tmp_path: Path) -> None:
    path = session("none").convert(target("float32"), tmp_path).path
    content = path.read_bytes()
    graphs = [parse(one).subgraphs[0] for one in (content, calibrated(content, [[v[None] for v in example(0)]]))]
    assert list(graphs[0].outputs) == list(graphs[1].outputs)


def test_a_layer_is_one_operator_and_a_normalization_has_no_quotient(tmp_path: Path) -> None:
    """Protects int8 of linear layers, whose biases had 8 bits, and the number of operators that a phone starts."""
    made = session("none").convert(target("float32"), tmp_path)
    assert made.route == "trace+direct"
    kinds = Counter(op.type for op in made.inspection.ops)
    assert (kinds["FULLY_CONNECTED"], kinds["RSQRT"], kinds["DIV"], kinds["SQRT"]) == (4, 1, 0, 0)
    assert kinds["ADD"] == 4  # the residual sum, what `seen` adds, the epsilon and the bias of the normalization


@pytest.mark.skipif(sys.platform != "linux", reason="it is tried in a copy of the process, which Linux alone makes")
def test_a_file_that_ends_litert_is_refused_and_ends_nothing_else(tmp_path: Path) -> None:
    """Protects every other target of a run: LiteRT aborts on a scale of 0."""
    made = session("none").convert(target("int16x8"), tmp_path)
    model = parse(made.path.read_bytes())
    for tensor in model.subgraphs[0].tensors:
        if tensor.type == schema.TensorType.INT16 and model.buffers[tensor.buffer].data is not None:
            tensor.quantization.scale = np.zeros(1, np.float32)
    made.path.write_bytes(pack(model))
    with pytest.raises(ToolError, match="LiteRT ends the process that loads the quantized model: Aborted"):
        loadable(made.path.read_bytes())
    description = source_of(module_of("none"), {"x": (1, LENGTH, WIDTH), "seen": (1, LENGTH)}).description
    with pytest.raises(ToolError, match=r"model.tflite ends the process that loads it in LiteRT: Aborted"):
        LiteRTRunner(made.path, description)
