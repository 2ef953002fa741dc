"""Every operation that coremltools registers for ML programs is evaluated, or refused with a reason."""

from typing import Any

import pytest

from exporter.formats.coreml.reference.registry import FAMILIES, OPERATIONS, REFUSED, STRUCTURAL
from tests.exporter.formats.coreml.reference.programs import coremltools


def _registered() -> dict[str, list[Any]]:
    coremltools()
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    return {name: list(dict.fromkeys(versions.values())) for name, versions in SSAOpRegistry.core_ops.items()}


def test_every_registered_operation_is_evaluated_or_refused_with_a_reason() -> None:
    known = set(OPERATIONS) | set(REFUSED) | STRUCTURAL
    assert set(_registered()) - known == set()
    assert all(len(reason) > 40 for reason in REFUSED.values())


def test_nothing_is_both_evaluated_and_refused() -> None:
    assert set(OPERATIONS) & set(REFUSED) == set()
    assert len(OPERATIONS) == sum(len(family.operations) for family in FAMILIES), "two families claim one operation"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_takes_every_input_of_every_version_of_it(name: str) -> None:
    """An input that the function does not know would be an error only at load, for the users of that version."""
    for version in _registered().get(name, []):
        inputs = {one for one in version.input_spec.input_types if not one.startswith("_")}
        assert inputs <= set(OPERATIONS[name].parameters), version.__module__
