"""Spectra without complex numbers, which TFLite lacks: pairs of real tensors, and sines and cosines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from exporter.sources.tracing.torch_rewrites.elementwise import atan2
from exporter.sources.tracing.torch_rewrites.mode import as_constants, rewrite_spectrum

_ORDERS = ("transpose", "permute", "swapaxes", "movedim")
_SHAPES = ("reshape", "view", "squeeze", "unsqueeze", "flatten", "expand")
_OF_BOTH_PARTS = (*_ORDERS, *_SHAPES, "contiguous", "clone", "narrow")


class Complex:
    """A complex tensor as its two parts; it knows what front ends of audio networks do with a spectrum.

    Args:
        real: the real part.
        imag: the imaginary part, of the same shape.
    """

    def __init__(self, real: Tensor, imag: Tensor) -> None:
        self.real, self.imag = real, imag

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """A function of torch that is none of the methods."""
        method = getattr(args[0], getattr(func, "__name__", ""), None) if isinstance(args[0], Complex) else None
        return method(*args[1:], **(kwargs or {})) if callable(method) else NotImplemented

    def __getattr__(self, name: str) -> Any:
        if name in _OF_BOTH_PARTS:
            return lambda *given: Complex(getattr(self.real, name)(*given), getattr(self.imag, name)(*given))
        return getattr(self.real, name) if name in ("shape", "size", "dim", "ndim", "device") else _unknown(name)

    def __getitem__(self, key: Any) -> "Complex":
        return Complex(self.real[key], self.imag[key])

    def __mul__(self, other: Any) -> "Complex":
        if isinstance(other, Complex):
            return Complex(
                self.real * other.real - self.imag * other.imag, self.real * other.imag + self.imag * other.real
            )
        return Complex(self.real * other, self.imag * other)

    __rmul__ = mul = __mul__

    def __truediv__(self, other: Any) -> "Complex":
        return Complex(self.real / other, self.imag / other)

    def __add__(self, other: Any) -> "Complex":
        return Complex(self.real + other.real, self.imag + other.imag)

    def __sub__(self, other: Any) -> "Complex":
        return Complex(self.real - other.real, self.imag - other.imag)

    def abs(self) -> Tensor:
        """The magnitude."""
        return torch.sqrt(self.real * self.real + self.imag * self.imag)

    def angle(self) -> Tensor:
        """The phase."""
        found: Tensor = atan2(self.imag, self.real)
        return found

    def conj(self) -> "Complex":
        """The conjugate."""
        return Complex(self.real, -self.imag)

    def view_as_real(self) -> Tensor:
        """Both parts, along a last axis."""
        return torch.stack([self.real, self.imag], -1)


def _unknown(name: str) -> Any:
    raise AttributeError(f"a spectrum without complex numbers has no {name}")


@rewrite_spectrum("complex")
def complex_(real: Tensor, imag: Tensor) -> Complex:
    """From two parts."""
    return Complex(real, imag)


@rewrite_spectrum("view_as_complex")
def view_as_complex(x: Tensor) -> Complex:
    """From a last axis of two."""
    return Complex(x[..., 0], x[..., 1])


@rewrite_spectrum("stft")
def stft(
    x: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    **_: Any,
) -> Any:
    """Spectra of overlapping parts: one convolution, whose kernels are cosines and sines under the window."""
    hop, length = hop_length or n_fft // 4, win_length or n_fft
    with as_constants():
        waves = _waves(n_fft, n_fft // 2 + 1 if onesided is not False else n_fft).to(x.dtype)
        # The values of a window that the module holds: ONNX knows no convolution whose kernel is computed.
        shape = torch.ones(length) if window is None else torch.from_numpy(window.detach().numpy().copy())
        left = (n_fft - length) // 2
        kernels = (waves * functional.pad(shape.to(x.dtype), (left, n_fft - length - left))).unsqueeze(1)
    rows = (x if x.ndim == 2 else x.unsqueeze(0)).unsqueeze(1)
    if center:
        rows = functional.pad(rows, (n_fft // 2, n_fft // 2), mode=pad_mode)
    found = functional.conv1d(rows, kernels, stride=hop)
    found = found / math.sqrt(n_fft) if normalized else found
    real, imag = torch.chunk(found if x.ndim == 2 else found.squeeze(0), 2, -2)
    return Complex(real, imag) if return_complex else torch.stack([real, imag], -1)


def _waves(samples: int, frequencies: int) -> Tensor:
    """Cosines, then minus sines: shape (2 frequencies, samples)."""
    turns = np.outer(np.arange(frequencies), np.arange(samples)) % samples
    angles = 2 * np.pi * turns / samples
    # Exact zeros: the sign of a rounded one would decide between the phases pi and -pi.
    sines = np.where(2 * turns % samples == 0, 0.0, -np.sin(angles))
    return torch.from_numpy(np.concatenate([np.cos(angles), sines]).astype(np.float32))


@rewrite_spectrum("fft_fft")
def fft(x: Any, n: int | None = None, dim: int = -1, norm: str | None = None, **_: Any) -> Complex:
    """A spectrum along one axis, whole; of a real tensor or of a pair."""
    return _transformed(x, n, dim, norm, half=False)


@rewrite_spectrum("fft_rfft")
def rfft(x: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, **_: Any) -> Complex:
    """The half of a real tensor's spectrum that decides the other."""
    return _transformed(x, n, dim, norm, half=True)


def _transformed(x: Any, n: int | None, dim: int, norm: str | None, *, half: bool) -> Complex:
    parts = [part.transpose(dim, -1) for part in ((x.real, x.imag) if isinstance(x, Complex) else (x,))]
    given = int(parts[0].shape[-1])
    samples = n or given
    parts = [functional.pad(part, (0, samples - given)) if samples != given else part for part in parts]
    scale = {"ortho": samples**-0.5, "forward": 1 / samples}.get(norm or "", 1.0)
    with as_constants():
        waves = (_waves(samples, samples // 2 + 1 if half else samples) * scale).t().contiguous().to(parts[0].dtype)
    spectra = [Complex(*torch.chunk(torch.matmul(part, waves), 2, -1)) for part in parts]
    first = spectra[0]
    if len(spectra) == 2:
        first = Complex(first.real - spectra[1].imag, first.imag + spectra[1].real)
    return Complex(first.real.transpose(dim, -1), first.imag.transpose(dim, -1))


@rewrite_spectrum("fft_irfft")
def irfft(x: Complex, n: int | None = None, dim: int = -1, norm: str | None = None, **_: Any) -> Tensor:
    """A real tensor from half of its spectrum."""
    real, imag = x.real.transpose(dim, -1), x.imag.transpose(dim, -1)
    samples = n or 2 * (int(real.shape[-1]) - 1)
    count = samples // 2 + 1
    scale = {"ortho": samples**-0.5, "forward": 1.0}.get(norm or "", 1 / samples)
    with as_constants():
        weights = torch.full((2 * count, 1), 2.0 * scale)
        once = [0, count] + ([count - 1, 2 * count - 1] if samples % 2 == 0 else [])
        weights[once] = scale
        waves = (_waves(samples, count) * weights).to(real.dtype)
    both = torch.cat([real[..., :count], imag[..., :count]], -1)
    return torch.matmul(both, waves).transpose(dim, -1)
