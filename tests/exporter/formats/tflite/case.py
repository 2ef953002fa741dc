"""How TFLite is tried by the contract of formats."""

from tests.contracts.format import Case

CASE = Case("Android 12", {"mode": "float16"})
