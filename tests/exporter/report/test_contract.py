"""Every renderer of the table runs the suite of its contract."""

import pytest

from exporter.report.renderer import RENDERERS
from tests.contracts.renderer import RendererContract


class TestRenderer(RendererContract):
    """The contract, once a format."""

    @pytest.fixture(params=list(RENDERERS))
    def name(self, request: pytest.FixtureRequest) -> str:
        name: str = request.param
        return name
