"""How ONNX is tried by the contract of formats."""

from tests.contracts.format import Case

CASE = Case("Android 12", {"mode": "dynamic_int8"}, replaced=frozenset({"minimum_runtime"}))
