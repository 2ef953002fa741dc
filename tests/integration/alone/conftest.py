"""What is measured here is too little to start a server of processes for."""

import pytest

from tests.conftest import RunCommand


@pytest.fixture
def mobile_export(installed: RunCommand) -> RunCommand:
    """The installed program."""
    return installed
