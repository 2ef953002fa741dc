"""Rewrites of torch's functions compute what the functions compute, in plain torch: also for odd sizes and options."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from exporter.sources.outputs import flatten
from exporter.sources.tracing.torch_rewrites import Rewritten
from exporter.sources.tracing.torch_rewrites.mode import REWRITES, SPECTRA

CUBE, ROW, MATRIX = (2, 4, 6, 5), (3, 8), (2, 3, 4)
CASES: list[tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = [
    (lambda x: torch.trunc(x * 3), (ROW,)),
    (lambda x: x.frac(), (ROW,)),
    (lambda x: torch.fmod(x * 3, -1.5), (ROW,)),
    (lambda x, y: torch.fmod(x, y), (ROW, ROW)),
    (lambda x: torch.floor_divide(x * 5, -2.0), (ROW,)),
    (lambda x: 3.0 // (x + 4), (ROW,)),
    (lambda x: torch.sinh(x) + x.cosh() + torch.asinh(x) + torch.acosh(x.abs() + 1.1) + torch.atanh(x / 9), (ROW,)),
    (lambda x: torch.expm1(x * 1e-3), (ROW,)),
    (lambda x: torch.special.erfc(x) + torch.exp2(x) + torch.log10(x.abs() + 1) + torch.sinc(x * 0), (ROW,)),
    (lambda x, y: torch.hypot(x, y) + torch.logaddexp(x, y), (ROW, ROW)),
    (
        lambda x, y: (
            torch.atan2(x, y) + torch.atan2(torch.zeros(3, 8), y) + torch.atan2(torch.zeros(8), torch.zeros(8))
        ),
        (ROW, ROW),
    ),
    (lambda x: functional.logsigmoid(x * 30), (ROW,)),
    (lambda x: functional.celu(x, 0.7) + functional.softshrink(x, 0.2) + functional.hardshrink(x, 0.3), (ROW,)),
    (lambda x: functional.threshold(x, 0.2, 5.0), (ROW,)),
    (lambda x: ((x > 0) | (x < -1)) & ~((x > 1) ^ (x > 0.5)), (ROW,)),
    (lambda x: torch.bucketize(x, torch.tensor([-1.0, 0.0, 1.0]), right=True), (ROW,)),
    (lambda x: torch.searchsorted(torch.tensor([-1.0, 0.0, 1.0]), x), (ROW,)),
    (lambda x: torch.diff(x, n=2, dim=0, prepend=x[:1]), (ROW,)),
    (lambda x: torch.diff(x > 0), (ROW,)),
    (lambda x: x.index_fill(1, torch.tensor([0, 2, -1 % 4]), 7.0), (CUBE,)),
    (lambda x: torch.var_mean(x, (1, 3), keepdim=True), (CUBE,)),
    (lambda x: torch.var_mean(x, 1, correction=0) + torch.std_mean(x, False) + torch.std_mean(x), (CUBE,)),
    (lambda x: (x.median(), x.median(1)[0], torch.median(x, dim=0, keepdim=True).values), (CUBE,)),
    (lambda x: x.median(1)[1], (ROW,)),
    (lambda x: x.new_ones(2, 3) + x.new_zeros((2, 3)) + x.new_full((2, 3), 4.0), (ROW,)),
    (lambda x: torch.swapaxes(x, axis0=0, axis1=-1), (CUBE,)),
    (lambda x: torch.movedim(x, (0, 1), (-1, 0)), (CUBE,)),
    (lambda x: functional.channel_shuffle(x, 2), (CUBE,)),
    (lambda x, y: torch.kron(x, y[0]), (ROW, ROW)),
    (lambda x: torch.cumprod(x, 1), (ROW,)),
    (lambda x: torch.cumsum(x > 0, 1) + (x > 0).cumsum(dim=0), (ROW,)),
    (lambda x: functional.pad(x, (2, 0, 1, 3), mode="circular"), (CUBE,)),
    (lambda x: functional.fold(x, (7, 6), (2, 3), stride=2, padding=1, dilation=1), ((2, 12, 12),)),
    (lambda x: functional.adaptive_avg_pool2d(x, (4, None)), (CUBE,)),
    (lambda x: functional.adaptive_avg_pool3d(x[None], (1, 1, 1)), (CUBE,)),
    (lambda x: functional.rms_norm(x, (6, 5)), (CUBE,)),
    (lambda x, y: functional.bilinear(x, y, torch.ones(2, 8, 8), torch.ones(2)), (ROW, ROW)),
    (lambda x, y: torch.cdist(x, y, p=1.0) + torch.cdist(x, y), (MATRIX, MATRIX)),
    (lambda x: functional.embedding_bag(torch.tensor([[0, 2], [1, 1]]), x, mode="max"), (ROW,)),
    (
        lambda x: functional.embedding_bag(torch.tensor([[0, 2], [1, 1]]), x, mode="sum", per_sample_weights=x[:2, :2]),
        (ROW,),
    ),
    (lambda x: functional.affine_grid(x, [2, 1, 4, 5], align_corners=True), ((2, 2, 3),)),
    (lambda x: functional.affine_grid(x, [2, 1, 4, 5, 3], align_corners=False), ((2, 3, 4),)),
    (lambda x: functional.interpolate(x, scale_factor=1.7, mode="bicubic"), (CUBE,)),
    (lambda x: functional.interpolate(x, size=(3, 9), mode="bilinear", antialias=True), (CUBE,)),
    (lambda x: torch.ops.aten._softmax.default(x, 1, False) + torch.ops.aten._log_softmax.default(x, 1, False), (ROW,)),
    (lambda x: torch.ops.aten._adaptive_avg_pool2d.default(x, [4, 3]), (CUBE,)),
    (lambda x: torch.hamming_window(8) * x, (ROW,)),
    (lambda x: torch.stft(x, 8, 3, 6, torch.hann_window(6), return_complex=True).abs(), ((2, 40),)),
    (lambda x: torch.view_as_real(torch.stft(x, 8, center=False, normalized=True, return_complex=True)), ((40,),)),
    (lambda x: torch.stft(x, 8, onesided=False, return_complex=True).angle().cos(), ((2, 40),)),
    (lambda x: torch.fft.rfft(x, n=11, dim=0, norm="ortho").abs(), (ROW,)),
    (lambda x: torch.fft.fft(torch.complex(x, -x), norm="forward").imag, (ROW,)),
    (lambda x: torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(x), n=8), (ROW,)),
    (lambda x: torch.fft.irfft(torch.fft.rfft(x), n=7), ((3, 7),)),
    (lambda x: torch.view_as_complex(x.reshape(3, 4, 2)).abs(), (ROW,)),
]


@pytest.mark.parametrize("index", range(len(CASES)))
def test_a_rewrite_computes_the_same(index: int) -> None:
    function, shapes = CASES[index]
    torch.manual_seed(index)
    inputs = [torch.randn(shape) for shape in shapes]
    expected = flatten(function(*inputs))
    with Rewritten(spectra=True):
        found = flatten(function(*inputs))
    for one, other in zip(expected, found, strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_whole_numbers_of_shapes_are_left_alone() -> None:
    """Protects sizes of traced graphs, which are tensors of whole numbers."""
    with Rewritten():
        assert torch.equal(torch.tensor(7) // 2, torch.tensor(3))
        assert torch.equal(torch.tensor(5) | torch.tensor(2), torch.tensor(7))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 1),
    st.integers(1, 2),
)
def test_fold_is_a_transposed_convolution(
    height: int, width: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    sizes = [size + 2 * padding - dilation * (kernel - 1) - 1 for size in (height, width)]
    if min(sizes) < 0:
        return
    blocks = (sizes[0] // stride + 1) * (sizes[1] // stride + 1)
    x = torch.randn(1, 2 * kernel * kernel, blocks)
    options = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    expected = functional.fold(x, (height, width), **options)
    with Rewritten():
        torch.testing.assert_close(functional.fold(x, (height, width), **options), expected)


def test_nothing_is_rewritten_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the source: what it computes is never changed by what converters lack."""
    from exporter.sources.tracing.trace import as_converters_know

    called: list[str] = []

    def noted(x: torch.Tensor) -> torch.Tensor:
        called.append("diff")
        return x

    monkeypatch.setitem(REWRITES, "diff", noted)
    apply, fused = torch.autograd.Function.__dict__["apply"], torch.backends.mha.get_fastpath_enabled()
    with as_converters_know():
        torch.diff(torch.zeros(3))
        assert not torch.backends.mha.get_fastpath_enabled()
    torch.diff(torch.zeros(3))
    assert called == ["diff"]
    assert torch.autograd.Function.__dict__["apply"] is apply
    assert torch.backends.mha.get_fastpath_enabled() == fused
    assert not set(REWRITES) & set(SPECTRA)
