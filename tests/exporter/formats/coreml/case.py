"""How Core ML is tried by the contract of formats."""

from tests.contracts.format import Case

CASE = Case("iOS 18", {"weights": {"method": "linear", "weight_threshold": 0}})
