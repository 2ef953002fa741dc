"""Whole models: what goes in and comes out, precision, states, control flow, flexible shapes, functions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from exporter.execution.heavy import quiet
from exporter.formats.coreml.reference import (
    EvaluationError,
    ModelInputError,
    Observation,
    ReferenceModel,
    UnsupportedOpError,
)
from exporter.formats.coreml.reference.registry import OPERATIONS, REFUSED
from tests.exporter.formats.coreml.reference.programs import SmallNet, build, convert, coremltools, run


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SmallNet]:
    """A small network in float16, and its source."""
    path, net = tmp_path_factory.mktemp("small") / "small.mlpackage", SmallNet()
    convert(path, net, (1, 3, 16, 16), precision="FLOAT16")
    return path, net


def _image(seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((1, 3, 16, 16)).astype(np.float32)


def test_float32_programs_agree_with_torch(tmp_path: Path) -> None:
    net = SmallNet()
    convert(tmp_path / "m.mlpackage", net, (1, 3, 16, 16))
    (found,) = run(tmp_path / "m.mlpackage", {"x": _image()})
    with torch.no_grad():
        wanted = net(torch.from_numpy(_image())).numpy()
    assert found.dtype == np.float32
    assert abs(found - wanted).max() / abs(wanted).max() < 1e-5


def test_declared_precision_rounds_every_value_to_float16_and_float32_does_not(small: tuple[Path, SmallNet]) -> None:
    path, net = small
    with torch.no_grad():
        wanted = net(torch.from_numpy(_image())).numpy()

    def error_and_rounded(precision: Literal["declared", "float32"]) -> tuple[float, bool]:
        seen: list[bool] = []

        def look(observation: Observation) -> None:
            if observation.op_type != "input":  # the model's input is declared float32
                seen.append(torch.equal(observation.value, observation.value.half().float()))

        model = ReferenceModel(path, precision=precision)
        found = model.predict({"x": _image()}, observer=look)["y"]
        return float(abs(found.astype(np.float64) - wanted).max()), all(seen)

    declared, rounded = error_and_rounded("declared")
    exact, unrounded = error_and_rounded("float32")
    assert rounded
    assert not unrounded
    assert exact < declared < 0.05


def test_float16_overflows_as_on_a_device(tmp_path: Path) -> None:
    build(tmp_path / "m.mlpackage", lambda mb, x: mb.mul(x=x, y=x), {"x": (2,)}, dtype="fp16")
    large = {"x": np.array([300, 2], np.float16)}
    assert run(tmp_path / "m.mlpackage", large, precision="declared")[0].tolist() == [np.inf, 4]
    assert ReferenceModel(tmp_path / "m.mlpackage", "float32").predict(large)  # held in float32 until the end


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "input 'x' is missing"),
        ({"x": _image(), "z": _image()}, "no input 'z'"),
        ({"x": np.zeros((1, 3, 8, 8), np.float32)}, r"\[1, 3, 8, 8\]; give \[1, 3, 16, 16\]"),
        ({"x": np.zeros((1, 3, 16, 16), np.complex64)}, "complex64"),
        ({"x": np.full((1, 3, 16, 16), "a")}, "real numbers"),
        ({"x": Image.new("RGB", (16, 16))}, "not an image"),
    ],
)
def test_a_wrong_input_is_one_clear_error(small: tuple[Path, SmallNet], data: dict[str, object], message: str) -> None:
    with pytest.raises(ModelInputError, match=message):
        ReferenceModel(small[0]).predict(data)


def test_classifiers_give_the_label_and_every_probability(tmp_path: Path) -> None:
    ct = coremltools()
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Softmax(1))
    labels = ["ant", "bee", "cat"]
    convert(tmp_path / "m.mlpackage", module, (1, 3), outputs=None, classifier_config=ct.ClassifierConfig(labels))
    label, shares = run(tmp_path / "m.mlpackage", {"x": np.array([[0.0, 2.0, 1.0]], np.float32)})
    assert label == "bee"
    assert list(shares) == labels
    assert sum(shares.values()) == pytest.approx(1)


class _Counter(torch.nn.Module):
    """Adds what it gets to a buffer, and gives the sum."""

    total: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.total.add_(x)
        return self.total * 2


def test_states_are_kept_between_predictions_and_apart_from_each_other(tmp_path: Path) -> None:
    ct = coremltools()
    state_type = ct.StateType(ct.TensorType(shape=(2, 3), dtype=np.float16), name="total")
    convert(tmp_path / "m.mlpackage", _Counter(), (2, 3), precision="FLOAT16", states=[state_type])
    model = ReferenceModel(tmp_path / "m.mlpackage")
    one, other = model.make_state(), model.make_state()
    data = {"x": np.ones((2, 3), np.float32)}
    assert [float(model.predict(data, one)["y"][0, 0]) for _ in range(3)] == [2, 4, 6]
    assert float(model.predict(data, other)["y"][0, 0]) == 2
    assert one.read("total").tolist() == [[3.0] * 3] * 2
    with pytest.raises(ModelInputError, match="make_state"):
        model.predict(data)


def test_range_and_enumerated_shapes(tmp_path: Path) -> None:
    ct = coremltools()
    module = torch.nn.Conv2d(1, 2, 3)
    shape = (1, 1, ct.RangeDim(4, 20, default=6), ct.RangeDim(4, 20, default=6))
    convert(tmp_path / "range.mlpackage", module, (1, 1, 6, 6), inputs=[ct.TensorType("x", shape=shape)])
    choices = ct.EnumeratedShapes([[1, 1, 6, 6], [1, 1, 9, 7]])
    convert(tmp_path / "list.mlpackage", module, (1, 1, 6, 6), inputs=[ct.TensorType("x", shape=choices)])
    for name in ("range", "list"):
        x = np.random.default_rng(0).random((1, 1, 9, 7), np.float32)
        (found,) = run(tmp_path / f"{name}.mlpackage", {"x": x})
        with torch.no_grad():
            np.testing.assert_allclose(found, module(torch.from_numpy(x)), atol=1e-5)
    with pytest.raises(ModelInputError, match="4 to 20"):
        run(tmp_path / "range.mlpackage", {"x": np.zeros((1, 1, 3, 9), np.float32)})
    with pytest.raises(ModelInputError, match=r"one of \[1, 1, 6, 6\], \[1, 1, 9, 7\]"):
        run(tmp_path / "list.mlpackage", {"x": np.zeros((1, 1, 7, 7), np.float32)})


def test_functions_of_one_package(tmp_path: Path) -> None:
    ct = coremltools()
    description = ct.utils.MultiFunctionDescriptor()
    for name, bias in (("first", 1.0), ("second", 2.0)):
        layer = torch.nn.Linear(4, 2)
        torch.nn.init.constant_(layer.weight, 0)
        torch.nn.init.constant_(layer.bias, bias)
        convert(tmp_path / f"{name}.mlpackage", layer, (1, 4))
        description.add_function(str(tmp_path / f"{name}.mlpackage"), "main", name)
    description.default_function_name = "second"
    with quiet():
        ct.utils.save_multifunction(description, str(tmp_path / "both.mlpackage"))
    data = {"x": np.zeros((1, 4), np.float32)}
    assert run(tmp_path / "both.mlpackage", data)[0].tolist() == [[2, 2]]
    assert run(tmp_path / "both.mlpackage", data, function_name="first")[0].tolist() == [[1, 1]]
    with pytest.raises(ModelInputError, match="Its functions are: first, second"):
        ReferenceModel(tmp_path / "both.mlpackage", function_name="third")


def test_loops_conditions_and_lists(tmp_path: Path) -> None:
    """Powers of two in a list, written in a loop; then one of two branches."""

    def body(mb: Any, x: Any) -> Any:
        def step(i: Any, ls: Any, value: Any) -> Any:
            return mb.add(x=i, y=1), mb.list_write(ls=ls, index=i, value=value), mb.mul(x=value, y=2.0)

        empty = mb.make_list(init_length=4, dynamic_length=False, elem_shape=(1,), dtype="fp32")
        _, filled, _ = mb.while_loop(_cond=lambda i, ls, v: mb.less(x=i, y=4), _body=step, loop_vars=(0, empty, x))
        powers = mb.squeeze(x=mb.list_gather(ls=filled, indices=[0, 1, 2, 3]), axes=[1])
        large = mb.greater(x=mb.reduce_max(x=powers), y=10.0)
        return mb.cond(pred=large, _true_fn=lambda: mb.mul(x=powers, y=-1.0), _false_fn=lambda: mb.mul(x=powers, y=1.0))

    build(tmp_path / "m.mlpackage", body, {"x": (1,)})
    assert run(tmp_path / "m.mlpackage", {"x": np.array([1], np.float32)})[0].tolist() == [1, 2, 4, 8]
    assert run(tmp_path / "m.mlpackage", {"x": np.array([2], np.float32)})[0].tolist() == [-2, -4, -8, -16]


def test_an_operation_that_fails_is_named_with_its_place(tmp_path: Path) -> None:
    def body(mb: Any, x: Any) -> Any:
        return mb.gather(x=x, indices=mb.cast(x=mb.reduce_max(x=x, axes=[0]), dtype="int32"), axis=0)

    build(tmp_path / "m.mlpackage", body, {"x": (3,)})
    with pytest.raises(EvaluationError, match=r"main\[\d+\] gather '.*outside of length 3"):
        run(tmp_path / "m.mlpackage", {"x": np.array([1, 2, 7], np.float32)})


def test_an_operation_without_an_implementation_is_named_with_its_place_and_reason(
    small: tuple[Path, SmallNet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(OPERATIONS, "clip")
    monkeypatch.setitem(REFUSED, "clip", "for the sake of this test")
    with pytest.raises(UnsupportedOpError, match=r"main\[\d+\] clip '.*for the sake of this test"):
        ReferenceModel(small[0])


def test_random_numbers_follow_their_seed(tmp_path: Path) -> None:
    build(
        tmp_path / "m.mlpackage",
        lambda mb, x: mb.add(x=x, y=mb.random_uniform(shape=[400], low=2.0, high=3.0, seed=5)),
        {"x": (400,)},
    )
    data = {"x": np.zeros(400, np.float32)}
    (one,), (other,) = run(tmp_path / "m.mlpackage", data), run(tmp_path / "m.mlpackage", data)
    assert np.array_equal(one, other)
    assert 2 <= one.min() < 2.05
    assert 2.95 < one.max() < 3


def evaluated(model: ReferenceModel, examples: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The predictions, and how often the last operation was evaluated for them."""
    seen: list[str] = []
    found = list(model.predictions(examples, lambda observation: seen.append(observation.name)))
    return found, seen.count(seen[-1])


def test_batches_are_the_examples_one_by_one(small: tuple[Path, SmallNet]) -> None:
    model = ReferenceModel(small[0], precision="float32")
    examples = [{"x": _image(seed)} for seed in range(70)]
    together, evaluations = evaluated(model, examples)
    assert len(together) == 70
    assert evaluations == 3, "two batches of 32, and one of 6"
    for example, found in zip(examples, together, strict=True):
        np.testing.assert_allclose(found["y"], model.predict(example)["y"], atol=5e-3)


@pytest.mark.parametrize(
    "body",
    [
        lambda mb, x: mb.reduce_sum(x=x, axes=[0], keep_dims=True),
        lambda mb, x: mb.transpose(x=mb.reshape(x=x, shape=[1, 4, 4, 4]), perm=[1, 0, 2, 3]),
        lambda mb, x: mb.reshape(x=mb.softmax(x=x, axis=0), shape=[1, 64]),
        lambda mb, x: mb.concat(values=[x, x], axis=0),
        lambda mb, x: mb.mul(x=x, y=np.ones((2, 1, 1, 1), np.float32)),
    ],
)
def test_a_program_that_mixes_examples_is_never_batched(tmp_path: Path, body: Callable[..., Any]) -> None:
    build(tmp_path / "m.mlpackage", body, {"x": (1, 4, 4, 4)})
    model = ReferenceModel(tmp_path / "m.mlpackage")
    examples = [{"x": np.random.default_rng(i).random((1, 4, 4, 4), np.float32)} for i in range(40)]
    together, evaluations = evaluated(model, examples)
    assert evaluations == 40
    for example, found in zip(examples, together, strict=True):
        for name, value in model.predict(example).items():
            np.testing.assert_array_equal(found[name], value)
