"""A padded max pool in integers: minus infinity decides no scale, whichever builder wrote the pad."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import nn

from exporter.data.errors import ToolError
from exporter.datasets.dataset import Dataset
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.settings import TfliteTarget
from profilers.decibels import snr_db
from tests.exporter.formats.common.by_hand import source_of

SHAPE = (1, 3, 20, 22)


class Stem(nn.Module):
    """As a ResNet begins and ends; without `rectified`, what is padded has both signs."""

    def __init__(self, *, rectified: bool) -> None:
        super().__init__()
        self.conv, self.pool, self.rectified = nn.Conv2d(3, 8, 3), nn.MaxPool2d(3, 2, 1), rectified
        self.head = nn.Conv2d(8, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        x = self.pool(torch.relu(x) if self.rectified else x)
        return torch.relu(self.head(x)).mean((2, 3))


def pictures(count: int) -> Dataset:
    def picture(index: int) -> tuple[np.ndarray[Any, Any], ...]:
        return (np.random.default_rng(index).standard_normal(SHAPE[1:], np.float32),)

    return Dataset("noise", "noise", count, picture)


@pytest.mark.parametrize("route", ["trace+direct", "trace+exact"])
@pytest.mark.parametrize("mode", ["int8", "int16x8"])
@pytest.mark.parametrize("rectified", [True, False])
def test_integers_compute_what_floats_do(
    rectified: bool, mode: Literal["int8", "int16x8"], route: str, tmp_path: Path
) -> None:
    """Protects every ResNet: scales of 1e36, or no file at all, came of the pad before its first pool."""
    from ai_edge_litert.interpreter import Interpreter

    torch.manual_seed(0)
    source = source_of(Stem(rectified=rectified), {"x": SHAPE})
    target = TfliteTarget.model_validate(
        {"name": "t", "format": "tflite", "minimum_os": "Android 12", "route": route, "quantization": {"mode": mode}}
    )
    path = ConversionSession(source, pictures(8), 8).convert(target, tmp_path).path
    model = Interpreter(str(path)).get_signature_runner()
    x = pictures(20).batch([19])[0]
    with torch.no_grad():
        wanted = source.module(torch.from_numpy(x)).numpy()
    assert snr_db(wanted, model(x=x)["output"]) > 30


def test_the_mean_of_a_map_has_a_scale_of_its_own(tmp_path: Path) -> None:
    """Protects accuracy in int8: a pool's result would have the scale of the map."""
    torch.manual_seed(0)
    target = TfliteTarget.model_validate({"name": "t", "format": "tflite", "minimum_os": "Android 12"})
    source = source_of(Stem(rectified=True), {"x": SHAPE})
    conversion = ConversionSession(source, None, 1).convert(target, tmp_path)
    assert conversion.route == "trace+direct"
    assert conversion.inspection.ops_by_type()["MEAN"] == 1
    assert "AVERAGE_POOL_2D" not in conversion.inspection.ops_by_type()


def integers(route: str = "") -> TfliteTarget:
    quantization = {"mode": "int8"}
    table = {"name": "t", "format": "tflite", "minimum_os": "Android 12", "route": route, "quantization": quantization}
    return TfliteTarget.model_validate(table)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The direct builder's file as it is: its pad value has a dimension, which TensorFlow's quantizer does not take."""
    for place in ("conversion.builders.direct.as_quantizers_want", "quantization.quantizer.with_finite_pads"):
        monkeypatch.setattr(f"exporter.formats.tflite.{place}", lambda content: content)


@pytest.mark.usefixtures("refused")
def test_a_file_that_no_quantizer_takes_is_replaced_and_the_operator_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one of TensorFlow's converter; this one's scale is no better here, so it is not looked at."""
    monkeypatch.setattr("exporter.formats.tflite.conversion.converter.loadable", lambda content: content)
    session = ConversionSession(source_of(Stem(rectified=True), {"x": SHAPE}), pictures(8), 8)
    conversion = session.convert(integers(), tmp_path)
    assert conversion.route == "trace+exact"
    (note,) = conversion.notes
    assert (
        "trace+direct was passed over: TensorFlow's int8 quantizer cannot convert operator padv2 in layer pool" in note
    )


@pytest.mark.usefixtures("refused")
def test_a_forced_route_whose_file_no_quantizer_takes_is_an_error(tmp_path: Path) -> None:
    session = ConversionSession(source_of(Stem(rectified=True), {"x": SHAPE}), pictures(8), 8)
    with pytest.raises(ToolError, match=r"cannot convert operator padv2 in layer pool: .tfl.padv2. op failed"):
        session.convert(integers("trace+direct"), tmp_path)


def test_a_file_that_litert_cannot_load_is_no_artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects `convert`, which runs nothing: the scale of minus infinity was found on the phone."""
    monkeypatch.setattr("exporter.formats.tflite.quantization.quantizer.with_finite_pads", lambda content: content)
    session = ConversionSession(source_of(Stem(rectified=True), {"x": SHAPE}), pictures(8), 8)
    with pytest.raises(ToolError, match="LiteRT cannot load the quantized model"):
        session.convert(integers(), tmp_path)
