"""What a run works on is opened once: protects the minutes and the memory that loading a large model again takes."""

from collections import Counter
from pathlib import Path

import pytest

from exporter.compression.data import compression_data
from exporter.compression.recipe import load_recipe
from exporter.data.progress import Silent
from exporter.data.settings.model import ModelSettings
from exporter.store.cache import Cache
from exporter.use_cases.compress import CompressRequest, compress
from exporter.use_cases.job.inputs import Inputs
from exporter.use_cases.job.recipes import Job, carry_out
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.run import run

SOURCE = '''
import pathlib
import numpy
import torch
from torch import nn

def called(name):
    """Keeps a line of each call."""
    with pathlib.Path(__file__).with_name("calls.txt").open("a") as stream:
        print(name, file=stream)

def network(name, width):
    called(name)
    torch.manual_seed(width)
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3)).eval()

def net():
    return network("net", 8)

def teacher():
    return network("teacher", 16)

def student():
    return network("student", 4)

def examples():
    called("examples")
    return list(numpy.random.default_rng(0).standard_normal((16, 4)).astype("float32"))
'''
TARGETS = """
[targets.plain]
format = "coreml"
minimum_os = "iOS 17"

[targets.taught]
extends = "plain"
recipe = "taught"

[targets.shared]
extends = "plain"
recipe = "shared"

[recipes.taught]
[[recipes.taught.steps]]
method = "distillation"
teacher = "{place}:teacher"
student = "{place}:student"
training = {{ epochs = 1, batch_size = 8 }}

[recipes.shared]
[[recipes.shared.steps]]
method = "weight_sharing"
bits = 2
min_elements = 8

[[recipes.shared.steps]]
method = "distillation"
teacher = "{place}:teacher"
training = {{ epochs = 1, batch_size = 8 }}
"""
SETTINGS = ModelSettings.model_validate({"inputs": ({"name": "x", "shape": (1, 4)},)})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A file of models and data whose factories tell when they are called."""
    (tmp_path / "nets.py").write_text(SOURCE)
    (tmp_path / "targets.toml").write_text(TARGETS.format(place=tmp_path / "nets.py"))
    return tmp_path / "nets.py"


def calls(place: Path) -> Counter[str]:
    return Counter(place.with_name("calls.txt").read_text().split())


def request(place: Path, *names: str) -> RunRequest:
    return RunRequest(
        spec=f"{place}:net",
        settings=SETTINGS,
        target_names=names,
        targets_file=place.with_name("targets.toml"),
        calibration=f"{place}:examples",
        training=f"{place}:examples",
        output=place.with_name("out"),
        cache_root=place.with_name("cache"),
        measure=False,
    )


def test_a_run_loads_each_model_and_opens_the_data_once(place: Path) -> None:
    record = run(request(place, "plain", "taught", "shared"), Silent())
    assert [target.error for target in record.targets] == [None, None, None]
    assert calls(place) == {"net": 1, "teacher": 1, "student": 1, "examples": 1}


def test_compress_loads_each_model_and_opens_the_data_once(place: Path) -> None:
    compress(
        CompressRequest(
            f"{place}:net", SETTINGS, "shared", None, place.with_name("targets.toml"), training=f"{place}:examples"
        ),
        Silent(),
    )
    assert calls(place) == {"net": 1, "teacher": 1, "examples": 1}


def test_training_a_student_leaves_the_loaded_model_alone(place: Path) -> None:
    """The next recipe that names it starts from the same weights."""
    inputs = Inputs(request(place), Cache(place.with_name("cache")), Silent())
    student = inputs.models.source(f"{place}:student").module
    before = [value.clone() for value in student.state_dict().values()]
    recipe = load_recipe("taught", targets_file=place.with_name("targets.toml"))
    data = compression_data(None, inputs.training, 4)
    carry_out(Job(inputs.source, recipe, data, inputs.models), Silent())
    assert all(bool((one == other).all()) for one, other in zip(before, student.state_dict().values(), strict=True))
