"""Everyday models become right artifacts of both formats: every output, whole, against torch."""

# ruff: noqa: N812 - a table

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.exporter.formats.common.by_hand import Shapes, coreml_snr, tflite_snr

LEAST_TFLITE_DB, LEAST_COREML_DB = 100, 55


class Call(nn.Module):
    """A function as a module, with two layers of its own."""

    def __init__(self, function: Callable[..., Any], channels: int = 6) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function = function
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.linear = nn.Linear(channels, channels)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(self, *inputs)


class Windowed(nn.Module):
    """A window as a buffer, as front ends of speech models hold it."""

    window: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(12))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stft(x, 16, 4, 12, window=self.window, return_complex=True).abs() ** 2


class Clipped(torch.autograd.Function):
    """A function with a gradient of its own, as networks use to save memory."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0.1)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


class Flagged(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x: torch.Tensor, causal: bool = False) -> torch.Tensor:
        y = self.linear(x)[:, None]
        return F.scaled_dot_product_attention(y, y, y, is_causal=causal)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> Any:
        return self.attention(x, x, x, key_padding_mask=mask > 0.5)


def seeded(make: Callable[..., nn.Module], *given: Any, **named: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        torch.manual_seed(0)
        return make(*given, **named)

    return build


def call(function: Callable[..., Any]) -> Callable[[], nn.Module]:
    return lambda: Call(function)


def sampled_by_weights(m: Call, x: torch.Tensor) -> torch.Tensor:
    grid = F.affine_grid(m.linear.weight[None, :2, :3], [1, 6, 6, 6], align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def attention_in_windows(m: Call, x: torch.Tensor) -> torch.Tensor:
    windows = m.conv(x).reshape(1, 6, 2, 3, 2, 3).permute(0, 2, 4, 3, 5, 1).reshape(4, 9, 6)
    mixed = F.scaled_dot_product_attention(windows, windows, windows)
    return m.conv(mixed.reshape(1, 2, 2, 3, 3, 6).permute(0, 5, 1, 3, 2, 4).reshape(1, 6, 6, 6))


CUBE: Shapes = {"x": (1, 6, 6, 6)}
ROW: Shapes = {"x": (1, 6)}
SEQUENCE: Shapes = {"x": (1, 5, 6)}
ENCODER = nn.TransformerEncoderLayer

CASES: dict[str, tuple[Callable[[], nn.Module], Shapes]] = {
    # Attention: the fused path of torch's inference must be off, and the exporter needs the module and not its trace.
    "encoder": (seeded(ENCODER, 6, 2, 8, batch_first=True), SEQUENCE),
    "a flag with a default": (Flagged, ROW),
    "encoder, gelu, norm first": (seeded(ENCODER, 6, 2, 8, activation="gelu", norm_first=True), SEQUENCE),
    "attention with a mask and weights": (Attention, {"x": (1, 5, 6), "mask": (1, 5)}),
    "causal attention": (call(lambda m, x: F.scaled_dot_product_attention(x, x, x, is_causal=True)), SEQUENCE),
    # Operators that TFLite has no form of its own for.
    "gelu": (seeded(nn.Sequential, nn.Linear(6, 6), nn.GELU()), ROW),
    "gelu by tanh": (seeded(nn.Sequential, nn.Linear(6, 6), nn.GELU(approximate="tanh")), ROW),
    "erf": (call(lambda m, x: torch.erf(x)), ROW),
    "bool constant": (call(lambda m, x: m.linear(x).masked_fill(torch.eye(6)[:1] > 0, -1.0)), ROW),
    "pool of three axes": (seeded(nn.MaxPool3d, 2), {"x": (1, 2, 4, 6, 4)}),
    "mean pool of three axes": (seeded(nn.AvgPool3d, 2, 2, 1), {"x": (1, 2, 4, 6, 4)}),
    "dilated transposed convolution": (seeded(nn.ConvTranspose2d, 6, 3, 3, 2, 1, 1, dilation=2), {"x": (1, 6, 5, 7)}),
    "grouped transposed convolution": (seeded(nn.ConvTranspose2d, 6, 4, 4, 2, 1, groups=2), {"x": (1, 6, 5, 7)}),
    "transposed convolution of one axis": (
        seeded(nn.ConvTranspose1d, 6, 4, 4, 2, dilation=3),
        {**SEQUENCE, "x": (1, 6, 9)},
    ),
    # States in torch's axes: (layers, batch, hidden).
    "lstm with states": (seeded(nn.LSTM, 6, 4, 3, batch_first=True), SEQUENCE),
    "gru of two directions": (seeded(nn.GRU, 6, 4, 2, bidirectional=True), {"x": (5, 2, 6)}),
    "rnn": (seeded(nn.RNN, 6, 4, 2, batch_first=True), SEQUENCE),
    # As many channels as rows as columns: a converter that guesses axes from sizes mixes them up.
    "group norm": (
        seeded(nn.Sequential, nn.Conv2d(6, 6, 3), nn.GroupNorm(2, 6), nn.Conv2d(6, 4, 3)),
        {"x": (1, 6, 8, 8)},
    ),
    "layer norm of channels": (
        call(lambda m, x: m.conv(F.layer_norm(x.permute(0, 2, 3, 1), (6,)).permute(0, 3, 1, 2))),
        CUBE,
    ),
    "permutes round a convolution": (call(lambda m, x: m.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)), CUBE),
    "permutes to more axes": (
        call(lambda m, x: x.permute(0, 2, 3, 1).reshape(1, 6, 6, 3, 2).permute(0, 1, 3, 2, 4)),
        CUBE,
    ),
    "flip": (call(lambda m, x: m.conv(torch.flip(x, [3]))), CUBE),
    "roll": (call(lambda m, x: m.conv(torch.roll(x, (1, 2), (2, 3)))), CUBE),
    "pixel unshuffle": (call(lambda m, x: F.pixel_unshuffle(m.conv(x), 2)), CUBE),
    "pixel shuffle": (call(lambda m, x: F.pixel_shuffle(m.conv(x)[:, :4], 2)), CUBE),
    "matrix product": (call(lambda m, x: m.conv(x @ x.transpose(2, 3))), CUBE),
    "einsum": (call(lambda m, x: torch.einsum("bchw,bcxy->bhwx", x, m.conv(x))), CUBE),
    "products of rows by einsum": (call(lambda m, x: torch.einsum("bhid,bhjd->bhij", x, m.conv(x))), CUBE),
    "attention in windows": (call(attention_in_windows), CUBE),
    "softmax of channels and running sums": (
        call(lambda m, x: (torch.softmax(m.conv(x), 1), torch.cumsum(m.conv(x), 2))),
        CUBE,
    ),
    "means of channels": (call(lambda m, x: m.conv(x).mean(1, keepdim=True) + x), CUBE),
    "largest channel": (call(lambda m, x: m.conv(x).argmax(1)), CUBE),
    "wrapped padding": (call(lambda m, x: m.conv(F.pad(x, (1, 2, 1, 0), mode="circular"))), CUBE),
    "mirrored padding": (call(lambda m, x: m.conv(F.pad(x, (1, 2, 1, 0), mode="reflect"))), CUBE),
    "bicubic": (call(lambda m, x: m.conv(F.interpolate(x, scale_factor=2, mode="bicubic"))), CUBE),
    "bilinear with corners": (
        call(lambda m, x: F.interpolate(m.conv(x), size=(9, 4), mode="bilinear", align_corners=True)),
        CUBE,
    ),
    "pool to unequal parts": (call(lambda m, x: F.adaptive_avg_pool2d(m.conv(x), (4, 5))), CUBE),
    "pool with ceil mode": (call(lambda m, x: F.max_pool2d(m.conv(x), 3, 2, 1, ceil_mode=True)), CUBE),
    "mean pool without its padding": (
        call(lambda m, x: F.avg_pool2d(m.conv(x), 3, 2, 1, count_include_pad=False)),
        CUBE,
    ),
    "fold": (call(lambda m, x: F.fold(F.unfold(m.conv(x), 2, stride=2), (6, 6), 2, stride=2)), CUBE),
    "affine grid": (call(sampled_by_weights), CUBE),
    # Functions of torch that a converter lacks, or rounds in another direction.
    "fmod": (call(lambda m, x: torch.fmod(x * 3, 2.0)), ROW),
    "floor_divide": (call(lambda m, x: torch.floor_divide(x * 5, 2.0)), ROW),
    "floor division by operator": (call(lambda m, x: (x * 5) // 2.0), ROW),
    "remainder": (call(lambda m, x: torch.remainder(x * 3, 2.0)), ROW),
    "trunc and frac": (call(lambda m, x: (torch.trunc(x * 2), torch.frac(x * 2))), ROW),
    "diff": (call(lambda m, x: torch.diff(x)), ROW),
    "new_ones": (call(lambda m, x: x * x.new_ones(x.shape)), ROW),
    "swapaxes": (call(lambda m, x: torch.swapaxes(x, 1, 3)), CUBE),
    "prelu of rank 2": (seeded(nn.Sequential, nn.Linear(6, 6), nn.PReLU(6)), ROW),
    "log_sigmoid": (call(lambda m, x: F.logsigmoid(x)), ROW),
    "prod": (call(lambda m, x: (torch.prod(x, 1), torch.prod(x))), ROW),
    "running counts of a mask": (call(lambda m, x: x * (x > 0).cumsum(1)), ROW),
    "cumprod": (call(lambda m, x: torch.cumprod(x, 1)), ROW),
    "embedding bag": (seeded(nn.EmbeddingBag, 10, 4), {"ids": (1, 5)}),
    "rms norm": (seeded(nn.RMSNorm, 6), ROW),
    "channel shuffle": (call(lambda m, x: F.channel_shuffle(m.conv(x), 3)), CUBE),
    "own gradient": (call(lambda m, x: Clipped.apply(m.linear(x)) + 1), ROW),
    "kron": (call(lambda m, x: torch.kron(x, x)), ROW),
    "hyperbolic functions": (call(lambda m, x: torch.sinh(x) + torch.asinh(x) + torch.expm1(x)), ROW),
    "spectrum of a sound": (
        call(lambda m, x: torch.stft(x, 16, 4, window=torch.hamming_window(16), return_complex=True).abs()),
        {"x": (1, 60)},
    ),
    "spectrum under a window of the module's own": (lambda: Windowed(), {"x": (1, 60)}),
    "spectrum of a row": (call(lambda m, x: torch.fft.rfft(x).abs()), ROW),
    "angles": (call(lambda m, x: torch.atan2(x, x + 0.3)), ROW),
    # Shapes and interfaces.
    "batch of four": (seeded(nn.Conv2d, 6, 4, 3), {"x": (4, 6, 8, 8)}),
    "scalar": (call(lambda m, x: m.linear(x).mean()), ROW),
    "one axis in": (call(lambda m, x: m.linear(x.reshape(1, 5, 6)).mean(1)), {"pcm": (30,)}),
    "unused input": (call(lambda m, x, y: m.linear(x)), {"x": (1, 6), "y": (1, 4)}),
    "one tensor twice": (call(lambda m, x: (lambda y: {"a": y, "b": y})(m.linear(x))), ROW),
    "constant output": (call(lambda m, x: (m.linear(x), torch.arange(4.0))), ROW),
    "input passed through": (call(lambda m, x: (x, m.linear(x))), ROW),
    "nothing done": (call(lambda m, x: F.dropout(x, 0.5, training=False)), ROW),
}


EXPORTED: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "encoder": (seeded(ENCODER, 6, 2, 8, activation="gelu", batch_first=True), (1, 5, 6)),
    "batch norm, relu6, pools": (
        seeded(
            nn.Sequential, nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU6(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(2)
        ),
        (1, 3, 12, 10),
    ),
    "masked softmax": (call(lambda m, x: F.scaled_dot_product_attention(x, x, x, is_causal=True)), (1, 5, 6)),
    "group norm": (seeded(nn.Sequential, nn.Conv2d(6, 6, 1), nn.GroupNorm(2, 6)), (1, 6, 6, 6)),
}


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_programs_in_core_operators_convert(name: str, tmp_path: Path) -> None:
    """Protects .pt2 files after run_decompositions(): their operators are not those that a module's trace has."""
    from exporter.sources.kinds.exported import load_exported

    make, shape = EXPORTED[name]
    program = torch.export.export(make().eval(), (torch.randn(shape),)).run_decompositions()
    torch.export.save(program, tmp_path / "model.pt2")
    module, inputs, _ = load_exported(tmp_path / "model.pt2")
    module.eval = lambda: module  # an exported module refuses to be told
    assert tflite_snr(module, {inputs[0].name: shape}, tmp_path) > LEAST_TFLITE_DB
    assert coreml_snr(module, {inputs[0].name: shape}, tmp_path) > LEAST_COREML_DB


@pytest.mark.parametrize("name", CASES)
def test_tflite_computes_what_torch_computes(name: str, tmp_path: Path) -> None:
    make, shapes = CASES[name]
    assert tflite_snr(make(), shapes, tmp_path) > LEAST_TFLITE_DB


@pytest.mark.parametrize("name", CASES)
def test_core_ml_computes_what_torch_computes(name: str, tmp_path: Path) -> None:
    """In float16, whose 11 bits are 60 dB and more of a single operator."""
    make, shapes = CASES[name]
    assert coreml_snr(make(), shapes, tmp_path) > LEAST_COREML_DB
