"""`ultralytics:` is refused in words without the library or without trust; nothing else loads the library."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from exporter.data.errors import MissingExtraError, UsageProblem
from exporter.data.settings.model import ModelSettings
from exporter.sources.load import load_source
from exporter.sources.registry import light_key

without_library = pytest.mark.skipif(importlib.util.find_spec("ultralytics") is not None, reason="ultralytics is here")


def load(spec: str, **given: Any) -> None:
    load_source(spec, ModelSettings.model_validate(given))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save({"model": torch.nn.Linear(2, 2)}, tmp_path / "yolo.pt")
    return tmp_path / "yolo.pt"


def test_a_checkpoint_needs_explicit_trust(checkpoint: Path) -> None:
    with pytest.raises(UsageProblem, match=r"is a pickle, which can run any code.*\s--trust-pickle"):
        load(f"ultralytics:{checkpoint}")


@without_library
def test_without_the_library_its_own_extra_is_named(checkpoint: Path) -> None:
    for spec, given in (
        (f"ultralytics:{checkpoint}", {"trust_pickle": True}),
        ("ultralytics:yolo11n.yaml", {"weights": "none"}),
    ):
        with pytest.raises(MissingExtraError, match=r"pip install 'mobile-export\[ultralytics\]'"):
            load(spec, **given)


@pytest.mark.parametrize(
    ("spec", "given", "says"),
    [
        ("ultralytics:absent.pt", {"trust_pickle": True}, "no such file"),
        ("ultralytics:yolo11n", {}, "give a checkpoint (.pt) or an architecture (.yaml)"),
        ("ultralytics:yolo11n.yaml", {}, "an architecture without weights"),
        ("ultralytics:{checkpoint}", {"weights": "none", "trust_pickle": True}, "has weights of its own"),
    ],
)
def test_bad_arguments_get_one_clear_error(spec: str, given: dict[str, Any], says: str, checkpoint: Path) -> None:
    with pytest.raises(UsageProblem) as caught:
        load(spec.format(checkpoint=checkpoint), **given)
    assert says in str(caught.value)


def test_a_trusted_checkpoint_has_no_key_and_an_architecture_has(checkpoint: Path) -> None:
    """What a pickle gives can change without the file."""
    assert light_key(f"ultralytics:{checkpoint}", ModelSettings(trust_pickle=True)) is None
    assert light_key("ultralytics:yolo11n.yaml", ModelSettings(weights="none")) is not None


def test_no_other_source_imports_the_library() -> None:
    """It is under the AGPL: whoever does not name it must not run it."""
    script = (
        "import sys\n"
        "from exporter.data.settings.model import ModelSettings\n"
        "from exporter.sources.load import load_source\n"
        "load_source('timm:test_vit', ModelSettings(weights='none'))\n"
        "print('ultralytics' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
