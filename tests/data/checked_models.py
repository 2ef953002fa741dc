"""Networks with one operator of interest each, for `check` against what a conversion then does."""

import torch
from torch import nn


class _Calls(nn.Module):
    """A convolution, and a layer `inner` that calls a function of its result."""

    def __init__(self, function: str, *given: object) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.mix = nn.Conv2d(3, 4, 3, padding=1)
        self.inner = _Call(function, *given)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.inner(torch.sigmoid(self.mix(image)))


class _Call(nn.Module):
    """A function of torch by its dotted name."""

    def __init__(self, function: str, *given: object) -> None:
        super().__init__()
        self.function, self.given = function, given

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: object = torch
        for name in self.function.split("."):
            found = getattr(found, name)
        assert callable(found)
        result = found(x, *self.given)
        return result if isinstance(result, torch.Tensor) else result[0]


class _Regular(nn.Module):
    """Adds the identity times nine."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 9 * torch.eye(x.shape[-1])


class _Recurrent(nn.Module):
    """Images (N, 3, 8, 8) -> a GRU over the lines of an image."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.GRU(24, 5, batch_first=True)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.inner(image.permute(0, 2, 1, 3).flatten(2))[0]


def plain() -> nn.Module:
    return _Calls("relu")


def pixel_unshuffle() -> nn.Module:
    return _Calls("nn.functional.pixel_unshuffle", 2)


def inverse() -> nn.Module:
    """Of matrices that have one."""
    return nn.Sequential(_Calls("relu"), _Regular(), _Call("linalg.inv"))


def digamma() -> nn.Module:
    return _Calls("digamma")


def erfinv() -> nn.Module:
    return _Calls("erfinv")


def sort() -> nn.Module:
    return _Calls("sort")


def flip() -> nn.Module:
    return _Calls("flip", (3,))


def cumsum() -> nn.Module:
    return _Calls("cumsum", 3)


def softmax() -> nn.Module:
    return _Calls("softmax", -1)


def unique() -> nn.Module:
    return _Calls("unique")


def bessel() -> nn.Module:
    return _Calls("special.bessel_j0")


def gru() -> nn.Module:
    return _Recurrent()


def dilated() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=2, dilation=2), nn.ReLU())


def median() -> nn.Module:
    return _Calls("median")


def matrix_exp() -> nn.Module:
    return _Calls("matrix_exp")


def five_dimensions() -> nn.Module:
    return _Calls("reshape", (1, 2, 2, 8, 8))


def two_refused() -> nn.Module:
    return nn.Sequential(_Calls("digamma"), nn.Tanh(), _Call("special.bessel_j0"))


def own_translation() -> nn.Module:
    return _Calls("addcmul", torch.ones(1), torch.ones(1))


def swapped() -> nn.Module:
    return _Calls("swapaxes", 2, 3)


class _Constant(nn.Module):
    """Gives the same map for every image."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.ones(image.shape)


def constant() -> nn.Module:
    return _Constant()
