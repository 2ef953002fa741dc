"""Cross-layer equalization changes weights, and nothing that a float model computes."""

import types

import pytest
import torch
from torch import nn

from exporter.formats.common.equalization import ChannelReLU, NotTraceableError, equalize
from tests.exporter.formats.coreml.reference.programs import SmallNet


def _spread(layer: nn.Module, norm: nn.Module | None = None) -> float:
    """The widest channel's largest weight over the narrowest's, after folding."""
    weight = layer.get_parameter("weight").detach().flatten(1).abs().amax(1)
    if isinstance(norm, nn.BatchNorm2d):
        weight = weight * norm.weight.detach().abs() / torch.sqrt(norm.get_buffer("running_var") + norm.eps)
    return float(weight.max() / weight.min())


def _uneven(net: SmallNet) -> SmallNet:
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.mul_(torch.logspace(-1.5, 1, len(module.weight)))
    return net


@pytest.mark.parametrize("seed", range(3))
def test_outputs_stay_and_channels_come_closer(seed: int) -> None:
    net = _uneven(SmallNet(seed))
    example = torch.randn(4, 3, 16, 16) * 3
    before = _spread(net.expand[0], net.expand[1])
    equalized = equalize(net, (example,))
    with torch.no_grad():
        wanted, found = net(example), equalized(example)
    assert float((wanted - found).abs().max() / wanted.abs().max()) < 1e-4
    after = _spread(equalized.get_submodule("expand.0"), equalized.get_submodule("expand.1"))
    assert after < before / 4


def test_relu6_keeps_its_limit_on_values_that_reach_it() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 4, 1), nn.ReLU6(), nn.Conv2d(4, 2, 1)).eval()
    with torch.no_grad():
        net.get_parameter("0.weight").mul_(torch.tensor([50.0, 1, 1, 0.02]).reshape(4, 1, 1, 1))
    example = torch.randn(8, 2, 5, 5) * 5
    assert float((net[0](example) > 6).float().mean()) > 0.1
    equalized = equalize(net, (example,))
    assert isinstance(equalized.get_submodule("1"), ChannelReLU)
    with torch.no_grad():
        assert torch.allclose(equalized(example), net(example), atol=1e-4)
        again = torch.fx.symbolic_trace(equalized)  # static quantization traces what was equalized
        assert torch.equal(again(example), equalized(example))


def test_the_source_is_not_changed_and_names_stay() -> None:
    net = _uneven(SmallNet())
    saved = {name: value.clone() for name, value in net.state_dict().items()}
    equalized = equalize(net, (torch.randn(1, 3, 16, 16),))
    assert all(torch.equal(saved[name], value) for name, value in net.state_dict().items())
    assert set(saved) <= set(equalized.state_dict())


def test_layers_read_twice_and_zero_channels_are_left_alone() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
            with torch.no_grad():
                self.b.weight[0] = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.relu(self.a(x))
            return self.c(torch.nn.functional.relu(self.b(x))) + x

    net = Residual().eval()
    equalized = equalize(net, (torch.randn(1, 2, 4, 4),))
    for name in ("a", "b", "c"):
        assert torch.isfinite(equalized.get_parameter(f"{name}.weight")).all()
    assert torch.equal(equalized.get_parameter("a.weight"), net.a.weight)


def test_a_channel_of_next_to_nothing_is_left_alone() -> None:
    """Protects integer files: training leaves channels with weights of 1e-12 and an offset, which is not to be 1e5."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 4, 3), nn.ReLU6(), nn.Conv2d(4, 4, 3, groups=4), nn.ReLU6(), nn.Conv2d(4, 2, 1))
    net, example = nn.Sequential(*layers).eval(), torch.randn(4, 3, 8, 8)
    with torch.no_grad():
        for place in (0, 2):
            net.get_parameter(f"{place}.weight")[1] *= 1e-12
            net.get_parameter(f"{place}.bias")[1] = 0.5
        equalized = equalize(net, (example,))
        wanted, given = example, example
        for place in range(4):
            wanted, given = net[place](wanted), equalized.get_submodule(str(place))(given)
            assert float(given.abs().max()) < 20 * float(wanted.abs().max())


def test_a_forward_on_the_instance_is_the_one_that_is_traced() -> None:
    """Protects models that a library patched: torch.fx itself goes by the class."""
    net, example = SmallNet(), torch.randn(1, 3, 16, 16)
    own = type(net).forward
    net.forward = types.MethodType(lambda self, image: 2 * own(self, image), net)  # type: ignore[method-assign]
    with torch.no_grad():
        assert torch.allclose(equalize(net, (example,))(example), net(example), atol=1e-4)


def test_a_model_that_cannot_be_traced_says_what_to_do() -> None:
    class Branching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1 if x.sum() > 0 else x

    with pytest.raises(NotTraceableError, match="equalize = false"):
        equalize(Branching(), (torch.zeros(1),))
