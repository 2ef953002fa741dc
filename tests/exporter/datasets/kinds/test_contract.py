"""Every kind of data keeps the contract, and has a case in it."""

import pytest

from exporter.datasets.open import _ROWS
from tests.contracts.dataset import Case, DatasetContract
from tests.exporter.datasets.kinds.made import CASES


class TestKinds(DatasetContract):
    @pytest.fixture(params=CASES)
    def case(self, request: pytest.FixtureRequest) -> Case:
        return CASES[request.param]


def test_every_kind_has_a_case() -> None:
    other = {"images": "folder"}
    assert {other.get(row.module, row.module) for row in _ROWS} <= {name.split()[0] for name in CASES}
