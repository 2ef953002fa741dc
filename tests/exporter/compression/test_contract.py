"""Every method of the table under the contract, and what the recipe adds to all of them."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from exporter.compression.apply import UnchangedError
from exporter.compression.model import CompressedModel, CompressionData
from exporter.compression.registry import METHODS, method_named, step_type
from tests.contracts.method import MethodContract, Steps, Subject
from tests.exporter.compression.methods import CASES, VARIANTS
from tests.exporter.compression.networks import SIZE, WIDTH, Paired, learnable, seeded


@pytest.fixture(params=[*METHODS, *(pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS)])
def case(request: pytest.FixtureRequest) -> str:
    """Name of a case."""
    return str(request.param)


@pytest.fixture
def steps(case: str) -> Steps:
    """The case's steps."""
    return CASES[case]


@pytest.fixture
def subject(trained: nn.Module, example: tuple[torch.Tensor], data: CompressionData) -> Subject:
    """A network of one input."""
    return Subject(trained, example, data)


@pytest.fixture
def paired() -> Subject:
    """A network of two inputs, with labelled examples."""
    images, labels = learnable(50)
    vectors = torch.randn(50, WIDTH, generator=torch.Generator().manual_seed(0))
    data = CompressionData(((images[:16], vectors[:16]),), TensorDataset(images, vectors, labels), labelled=True)
    return Subject(seeded(Paired), (torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1, WIDTH)), data)


@pytest.fixture(scope="module")
def results() -> dict[str, CompressedModel]:
    """Results by case, so that each is made once."""
    return {}


@pytest.fixture
def result(case: str, steps: Steps, subject: Subject, results: dict[str, CompressedModel]) -> CompressedModel:
    """What the case makes of the network."""
    if case not in results:
        results[case] = subject.compressed(steps)
    return results[case]


class TestEveryMethod(MethodContract):
    """The contract, over the examples of all methods and over variants."""


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_known_by_the_name_in_the_table_alone(name: str) -> None:
    """Protects the one place of the name: its own file does not say it, and data cannot say another one."""
    assert method_named(name).step.model_fields["method"].is_required()
    assert step_type(name).model_fields["method"].default == name


NOTHING: dict[str, list[dict[str, Any]]] = {
    "no layer matches": [{"method": "magnitude_pruning", "sparsity": 0.5, "rules": [{"name": ".", "apply": False}]}],
    "all too small": [{"method": "weight_sharing", "min_elements": 10**9}],
    "shared already": [{"method": "weight_sharing"}, {"method": "weight_sharing", "bits": 2}],
    "rank too high": [{"method": "low_rank", "rank": 10_000}],
}


@pytest.mark.parametrize("nothing", NOTHING.values(), ids=NOTHING)
def test_a_step_that_changes_nothing_is_an_error(nothing: Steps, subject: Subject) -> None:
    """Protects from success that is none; the message says what was left alone and why."""
    with pytest.raises(UnchangedError, match=f"steps.{len(nothing) - 1} .*changed nothing"):
        subject.compressed(nothing)


def test_dynamic_quantization_says_when_there_is_nothing_to_quantize(subject: Subject) -> None:
    """Protects the published result for networks without linear layers: it is said, not hidden."""
    convolutions = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 5, 14), nn.Flatten()).eval()
    with pytest.raises(UnchangedError, match="dynamic quantization is for linear layers"):
        Subject(convolutions, subject.inputs, subject.data).compressed([{"method": "dynamic_quantization"}])
