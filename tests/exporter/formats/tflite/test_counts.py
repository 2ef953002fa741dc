"""Counts of constants: every element type and stored form, against arithmetic on the values that were written."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.facts.inspection import WeightFact
from exporter.formats.files import inspect
from tests.exporter.formats.tflite.models import TYPES, Constant, model, strings


def counted(path: Path, *constants: Constant) -> dict[str, WeightFact]:
    path.write_bytes(model(constants))
    return {item.name: item for item in inspect(path).weights}


@pytest.mark.parametrize(
    ("constant", "size", "nonzeros", "distinct"),
    [
        (Constant("bool", TYPES.BOOL, (1, 4), bytes([1, 0, 0, 1])), 4, 2, 2),
        (Constant("any nonzero byte is true", TYPES.BOOL, (3,), bytes([1, 7, 0])), 3, 2, 2),
        (Constant("complex", TYPES.COMPLEX64, (3,), np.array([1j, 0, 1j], np.complex64).tobytes()), 24, 2, 2),
        (Constant("double", TYPES.FLOAT64, (2,), np.array([0.0, -0.5]).tobytes()), 16, 1, 2),
        (Constant("uint8 around 128", TYPES.UINT8, (4,), bytes([128, 128, 0, 255]), (128,)), 16, 2, 3),
        (Constant("channels", TYPES.INT8, (2, 2), np.array([[1, 2], [5, 5]], np.int8).tobytes(), (1, 5)), 28, 1, 3),
        (Constant("int4, odd", TYPES.INT4, (3,), bytes([0x1F, 0x00])), 2, 2, 3),
        (Constant("uint64", TYPES.UINT64, (2,), np.array([0, 2**63], np.uint64).tobytes()), 16, 1, 2),
        (Constant("bfloat16", TYPES.BFLOAT16, (2,), np.array([0x3F80, 0], np.uint16).tobytes()), 4, 1, 2),
        (Constant("strings", TYPES.STRING, (3,), strings(b"a", b"", b"a")), 22, 2, 2),
        (Constant("a scalar", TYPES.FLOAT32, (), np.float32(2).tobytes()), 4, 1, 1),
        (Constant("more bytes than elements", TYPES.INT8, (2,), bytes([1, 0, 9, 9])), 4, 1, 2),
        (Constant("no numbers", TYPES.RESOURCE, (1,), bytes(4)), 4, None, None),
    ],
    ids=lambda value: value.name if isinstance(value, Constant) else "",
)
def test_every_type_is_counted(tmp_path: Path, constant: Constant, size: int, nonzeros: int, distinct: int) -> None:
    """One constant of a type that was not thought of must not cost the whole inspection, nor be counted wrongly."""
    fact = counted(tmp_path / "m.tflite", constant)[constant.name]
    assert (fact.size_bytes, fact.nonzeros, fact.distinct) == (size, nonzeros, distinct)
    assert fact.shape == constant.shape


def test_tensors_that_share_a_buffer_are_one_constant(tmp_path: Path) -> None:
    """Converters store equal constants once; counted twice, they would weigh more than the file."""
    data = np.arange(250, dtype=np.float32).tobytes()
    found = counted(
        tmp_path / "m.tflite",
        Constant("a", TYPES.FLOAT32, (250,), data),
        Constant("b", TYPES.FLOAT32, (250,), b"", buffer=0),
    )
    assert [item.size_bytes for item in found.values()] == [1000]


@given(st.lists(st.integers(-8, 7), min_size=1, max_size=40))
def test_int4_elements_are_counted_whatever_they_are(
    tmp_path_factory: pytest.TempPathFactory, values: list[int]
) -> None:
    """Two in a byte, the low half first; the last half byte of an odd number is padding."""
    halves = [value & 15 for value in values] + [0] * (len(values) % 2)
    data = bytes(low | high << 4 for low, high in zip(halves[::2], halves[1::2], strict=True))
    constant = Constant("w", TYPES.INT4, (len(values),), data)
    fact = counted(tmp_path_factory.mktemp("int4") / "m.tflite", constant)["w"]
    assert fact.nonzeros == sum(value != 0 for value in values)
    assert fact.distinct == len(set(values))


def test_onnx_constants_of_every_form(tmp_path: Path) -> None:
    """Initializers, Constant nodes, sparse and narrow tensors, strings, and weights around a zero point."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = (np.arange(16).reshape(4, 4) % 5).astype(np.uint8)  # four 0, three each of 1 to 4
    initializers = [
        numpy_helper.from_array(weight, "weight"),
        numpy_helper.from_array(np.float32(0.5), "scale"),
        numpy_helper.from_array(np.uint8(2), "zero"),
        numpy_helper.from_array(np.array([[True, False, False, True]]), "mask"),
        helper.make_tensor("int4", TensorProto.INT4, [5], [0, 1, -2, 3, 0]),
        numpy_helper.from_array(np.zeros(0, np.float32), "empty"),
        helper.make_tensor("text", TensorProto.STRING, [2], [b"ab", b"cde"]),
    ]
    constant = numpy_helper.from_array(np.array([[-1.0, 0.0, 0.0, 2.0]], np.float32), "")
    nodes = [
        helper.make_node("DequantizeLinear", ["weight", "scale", "zero"], ["real"]),
        helper.make_node("MatMul", ["x", "real"], ["scores"]),
        helper.make_node("Constant", [], ["constant"], value=constant),
        helper.make_node("Where", ["mask", "constant", "scores"], ["y"]),
        *(helper.make_node("Identity", [name], [f"{name} again"]) for name in ("int4", "empty", "text", "sparse")),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        initializers,
    )
    graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            helper.make_tensor("sparse", TensorProto.FLOAT, [2], [1.0, 2.0]),
            helper.make_tensor("places", TensorProto.INT64, [2], [1, 7]),
            [3, 4],
        )
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]), str(tmp_path / "m.onnx"))
    found = {item.name: item for item in inspect(tmp_path / "m.onnx").weights}
    assert {name: (item.dtype, item.size_bytes, item.nonzeros, item.distinct) for name, item in found.items()} == {
        "weight": ("uint8", 16 + 4 + 1, 13, 5),
        "mask": ("bool", 4, 2, 2),
        "constant": ("float32", 16, 2, 3),
        "int4": ("int4", 3, 3, 4),
        "empty": ("float32", 0, 0, 0),
        "text": ("string", 5, None, 2),
        "sparse": ("float32", 2 * 4 + 2 * 8, 2, 3),
    }
