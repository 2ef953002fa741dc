"""What users are told to do."""

import pytest

from exporter.data.errors import CONVERTING_PYTHONS, MissingExtraError
from tools.constraints import VERSIONS


@pytest.mark.parametrize("python", [(3, 12), (3, 13)])
def test_a_missing_extra_is_installed_by_one_command(python: tuple[int, int]) -> None:
    said = str(MissingExtraError("torch", "export", python))
    assert said == "torch is not installed. Install it with: pip install 'mobile-export[export]'"


@pytest.mark.parametrize("python", [(3, 11), (3, 14)])
def test_a_python_without_wheels_is_told_another_one(python: tuple[int, int]) -> None:
    """The extra installs nothing there, so that its command alone would help nobody."""
    said = str(MissingExtraError("torch", "export", python))
    assert f"runs on Python 3.12 and 3.13, and this is Python 3.{python[1]}." in said
    assert "python3.12 -m venv NAME" in said
    assert said.endswith("pip install 'mobile-export[export]'")


def test_litert_has_wheels_for_every_python() -> None:
    said = str(MissingExtraError("ai_edge_litert", "litert", (3, 14)))
    assert said == "ai_edge_litert is not installed. Install it with: pip install 'mobile-export[litert]'"


def test_pythons_are_those_with_constraints() -> None:
    assert CONVERTING_PYTHONS == VERSIONS
