"""LSTM, GRU and plain recurrent layers, one step after the other, with states in ONNX's axes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from exporter.formats.tflite.onnx_tensorflow.node import Node, Value, constant, operator, tf

MOST_STEPS = 512
"""Every step is written out; a graph of more would be too large."""


class Direction(NamedTuple):
    """What one direction of a layer computes with; weights are transposed, for products from the right."""

    inputs: Any
    hidden: Any
    input_bias: Any
    hidden_bias: Any
    size: int


Step = Callable[[Node, Direction, Any, tuple[Any, ...], int], tuple[Any, ...]]


def _activations(node: Node, position: int, default: list[str]) -> None:
    given = [item.decode() for item in node.get("activations", [])]
    own = given[position * len(default) : (position + 1) * len(default)]
    if own and own != default:
        raise node.fail(f"activations {own} are not known here")


def _lstm_step(node: Node, part: Direction, gates_in: Any, state: tuple[Any, ...], _: int) -> tuple[Any, ...]:
    """ONNX's gates are input, output, forget, cell."""
    hidden, cell = state
    gates = gates_in + tf.matmul(hidden, part.hidden) + part.hidden_bias
    i, o, f, c = tf.split(gates, 4, -1)
    cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(c)
    return tf.sigmoid(o) * tf.tanh(cell), cell


def _gru_step(node: Node, part: Direction, gates_in: Any, state: tuple[Any, ...], _: int) -> tuple[Any, ...]:
    """ONNX's gates are update, reset, hidden."""
    hidden = state[0]
    size = part.size
    if node.get("linear_before_reset", 0):
        own = tf.matmul(hidden, part.hidden) + part.hidden_bias
        update, reset = tf.split(tf.sigmoid(gates_in[:, : 2 * size] + own[:, : 2 * size]), 2, -1)
        new = tf.tanh(gates_in[:, 2 * size :] + reset * own[:, 2 * size :])
    else:
        own = tf.matmul(hidden, part.hidden[:, : 2 * size]) + part.hidden_bias[: 2 * size]
        update, reset = tf.split(tf.sigmoid(gates_in[:, : 2 * size] + own), 2, -1)
        inner = tf.matmul(reset * hidden, part.hidden[:, 2 * size :]) + part.hidden_bias[2 * size :]
        new = tf.tanh(gates_in[:, 2 * size :] + inner)
    return (new + update * (hidden - new),)


def _rnn_step(node: Node, part: Direction, gates_in: Any, state: tuple[Any, ...], position: int) -> tuple[Any, ...]:
    names = [item.decode() for item in node.get("activations", [])]
    name = names[position] if names else "Tanh"
    known = {"Tanh": tf.tanh, "Relu": tf.nn.relu, "Sigmoid": tf.sigmoid}
    if name not in known:
        raise node.fail(f"activation {name} is not known here")
    return (known[name](gates_in + tf.matmul(state[0], part.hidden) + part.hidden_bias),)


STEPS: dict[str, tuple[Step, int, list[str]]] = {
    "LSTM": (_lstm_step, 4, ["Sigmoid", "Tanh", "Tanh"]),
    "GRU": (_gru_step, 3, ["Sigmoid", "Tanh"]),
    "RNN": (_rnn_step, 1, []),
}


@operator("LSTM", "GRU", "RNN")
def recurrent(
    node: Node,
    x: Value,
    weight: Value,
    recurrence: Value,
    bias: Value | None = None,
    lengths: Value | None = None,
    hidden: Value | None = None,
    cell: Value | None = None,
    peepholes: Value | None = None,
) -> list[Value]:
    """Outputs (time, directions, batch, hidden), and last states (directions, batch, hidden)."""
    step, gates, default = STEPS[node.kind]
    time, batch, _ = x.shape
    if lengths is not None and set(constant(node, lengths, "lengths").tolist()) != {time}:
        raise node.fail("sequences of different lengths are not known here")
    if peepholes is not None or node.get("clip") or node.get("input_forget", 0) or node.get("layout", 0):
        raise node.fail("peepholes, clip, input_forget and layout 1 are not known here")
    if time > MOST_STEPS:
        raise node.fail(f"{time} steps are more than {MOST_STEPS}; give shorter sequences and pass the states on")
    directions, size = weight.shape[0], recurrence.shape[2]
    outputs, states = [], []
    for position in range(directions):
        if default:
            _activations(node, position, default)
        part = _direction(node, position, gates, size, weight, recurrence, bias)
        given = (hidden, cell)[: 2 if node.kind == "LSTM" else 1]
        state = tuple(tf.zeros([batch, size]) if item is None else item.plain[position] for item in given)
        backwards = node.get("direction", "forward") == "reverse" or position == 1
        found, last = _run(node, part, x.plain, state, step, position, backwards)
        outputs.append(found)
        states.append(last)
    return [Value(tf.stack(outputs, 1)), *(Value(tf.stack(items)) for items in zip(*states, strict=True))]


def _direction(
    node: Node, position: int, gates: int, size: int, weight: Value, recurrence: Value, bias: Value | None
) -> Direction:
    matrices = (np.ascontiguousarray(constant(node, item, "weights")[position].T) for item in (weight, recurrence))
    zero = np.zeros(2 * gates * size, np.float32)
    both = zero if bias is None else constant(node, bias, "bias")[position]
    inputs, hidden = (tf.constant(matrix) for matrix in matrices)
    return Direction(inputs, hidden, tf.constant(both[: gates * size]), tf.constant(both[gates * size :]), size)


def _run(
    node: Node, part: Direction, x: Any, state: tuple[Any, ...], step: Step, position: int, backwards: bool
) -> tuple[Any, tuple[Any, ...]]:
    """All steps of one direction: outputs (time, batch, hidden) and the last state."""
    time, batch, features = x.shape
    projected = tf.matmul(tf.reshape(x, [time * batch, features]), part.inputs) + part.input_bias
    projected = tf.unstack(tf.reshape(projected, [time, batch, -1]))
    found: list[Any] = [None] * time
    for index in range(time)[:: -1 if backwards else 1]:
        state = step(node, part, projected[index], state, position)
        found[index] = state[0]
    return tf.stack(found), state
