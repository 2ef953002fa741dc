"""Recurrent layers. Semantics: coremltools ``recurrent.py`` of iOS 15 to 18; x is ``[steps, batch, features]``.

The cell clip limits the cell state, as the neural network specification (``LSTMParams.cellClipThreshold``) and
coremltools' own expansion of TensorFlow's LSTM have it.
"""

from collections.abc import Callable

import torch

from exporter.formats.coreml.reference.family import Family, Tensor

FAMILY = Family("recurrent")
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda x: torch.clamp(0.2 * x + 0.5, 0, 1),
    "sigmoid_hard": lambda x: torch.clamp(0.2 * x + 0.5, 0, 1),
    "tanh": torch.tanh,
    "scaled_tanh": torch.tanh,  # with its parameters at their defaults of 1, as coremltools' own tests have it
}


def _activation(name: str) -> Callable[[Tensor], Tensor]:
    try:
        return _ACTIVATIONS[name.lower()]
    except KeyError:
        raise ValueError(f"activation {name!r} is not one of {', '.join(_ACTIVATIONS)}") from None


def _projected(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    projected = x @ weight.T
    return projected if bias is None else projected + bias


def _sequence(steps: list[Tensor], output_sequence: bool) -> Tensor:
    return torch.stack(steps) if output_sequence else steps[-1].unsqueeze(0)


@FAMILY.op("rnn")
def rnn(
    x: Tensor,
    initial_h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    activation: str = "tanh",
) -> tuple[Tensor, Tensor]:
    """``h = activation(W_ih x + W_hh h + b)``; in reverse, outputs come in the order of computation."""
    act, h = _activation(activation), initial_h
    steps = []
    for gates in _projected(x.flip(0) if direction == "reverse" else x, weight_ih, bias):
        h = act(gates + h @ weight_hh.T)
        steps.append(h)
    return _sequence(steps, output_sequence), h


@FAMILY.op("gru")
def gru(
    x: Tensor,
    initial_h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    activation: str = "tanh",
    reset_after: bool = False,
    input_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Gates in the order reset, new, update; `reset_after` resets the recurrent product instead of the state."""
    inner, outer = _activation(recurrent_activation), _activation(activation)
    hidden = weight_hh.shape[1]
    if bias is None:
        bias = weight_hh.new_zeros(3 * hidden)
    w_r, w_o, w_z = torch.split(weight_hh, hidden)
    b_r, b_o, b_z = torch.split(bias, hidden)
    h, steps = initial_h, []
    for gates in _projected(x.flip(0) if direction == "reverse" else x, weight_ih, input_bias):
        i_r, i_o, i_z = torch.split(gates, hidden, -1)
        r = inner(i_r + h @ w_r.T + b_r)
        z = inner(i_z + h @ w_z.T + b_z)
        o = outer(i_o + (r * (h @ w_o.T + b_o) if reset_after else (r * h) @ w_o.T + b_o))
        h = (1 - z) * o + z * h
        steps.append(h)
    return _sequence(steps, output_sequence), h


def _lstm_one_way(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    weights: tuple[Tensor, Tensor, Tensor | None, Tensor | None],
    activations: tuple[str, str, str],
    clip: float | None,
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Steps in order; gates are input, forget, output, cell."""
    weight_ih, weight_hh, bias, peephole = weights
    recurrent, cell, final = map(_activation, activations)
    hidden = weight_hh.shape[1]
    p_i, p_f, p_o = torch.split(peephole, hidden) if peephole is not None else (None, None, None)
    steps = []
    for projected in _projected(x, weight_ih, bias):
        i, f, o, z = torch.split((projected + h @ weight_hh.T), hidden, -1)
        i = recurrent(i if p_i is None else i + p_i * c)
        f = recurrent(f if p_f is None else f + p_f * c)
        c = f * c + i * cell(z)
        if clip is not None:
            c = c.clamp(-clip, clip)
        h = recurrent(o if p_o is None else o + p_o * c) * final(c)
        steps.append(h)
    return steps, h, c


@FAMILY.op("lstm")
def lstm(
    x: Tensor,
    initial_h: Tensor,
    initial_c: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None = None,
    peephole: Tensor | None = None,
    weight_ih_back: Tensor | None = None,
    weight_hh_back: Tensor | None = None,
    bias_back: Tensor | None = None,
    peephole_back: Tensor | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    cell_activation: str = "tanh",
    activation: str = "tanh",
    clip: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs, last hidden state, last cell state; both directions side by side in the last dimension."""
    names = (recurrent_activation, cell_activation, activation)
    forward = (weight_ih, weight_hh, bias, peephole)
    if direction != "bidirectional":
        steps, h, c = _lstm_one_way(
            x.flip(0) if direction == "reverse" else x, initial_h, initial_c, forward, names, clip
        )
        return _sequence(steps, output_sequence), h, c
    assert weight_ih_back is not None
    assert weight_hh_back is not None
    hidden = weight_hh.shape[1]
    (h_f, h_b), (c_f, c_b) = torch.split(initial_h, hidden, -1), torch.split(initial_c, hidden, -1)
    steps_f, h_f, c_f = _lstm_one_way(x, h_f, c_f, forward, names, clip)
    backward = (weight_ih_back, weight_hh_back, bias_back, peephole_back)
    steps_b, h_b, c_b = _lstm_one_way(x.flip(0), h_b, c_b, backward, names, clip)
    h, c = torch.cat([h_f, h_b], -1), torch.cat([c_f, c_b], -1)
    if not output_sequence:
        return h.unsqueeze(0), h, c
    return torch.cat([torch.stack(steps_f), torch.stack(steps_b).flip(0)], -1), h, c
