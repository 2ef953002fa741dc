"""Data and a trained network for every compression test."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressionData
from exporter.compression.recipe import parse_recipe
from tests.exporter.compression.networks import SIZE, Small, learnable, seeded


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data() -> CompressionData:
    """Labelled images."""
    images, labels = learnable(200)
    return CompressionData(((images[:32],), (images[32:64],)), TensorDataset(images, labels), labelled=True)


@pytest.fixture(scope="session")
def _trained(data: CompressionData) -> nn.Module:
    training = {"epochs": 6, "batch_size": 20, "learning_rate": 0.02}
    recipe = parse_recipe("train", {"steps": [{"method": "fine_tuning", "training": training}]})
    example = (torch.zeros(1, 3, SIZE, SIZE),)
    return apply_recipe(seeded(Small), example, recipe, data).module


@pytest.fixture
def trained(_trained: nn.Module) -> nn.Module:
    """A network that has learned the images."""
    return copy.deepcopy(_trained)


@pytest.fixture
def example() -> tuple[torch.Tensor]:
    """Inputs that fix the shapes."""
    return (torch.zeros(1, 3, SIZE, SIZE),)
