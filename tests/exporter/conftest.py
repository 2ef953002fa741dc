"""A small model, images and sources, made once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

MODELS = Path(__file__).resolve().parents[1] / "data" / "small_models.py"


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with twelve 16x16 images in two class folders, and a manifest ``labels.csv`` with labels 0 to 4."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("images")
    generator = np.random.default_rng(0)
    lines = ["path,label"]
    for index in range(12):
        path = folder / f"class{index % 2}" / f"{index:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
        lines.append(f"{path.relative_to(folder)},{index % 5}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def small_spec() -> str:
    """The MODEL argument of a small network."""
    return f"{MODELS}:small"


@pytest.fixture(scope="session")
def load() -> Callable[..., object]:
    """Loads a factory of `small_models` as a source."""

    def load_model(name: str = "small", shape: tuple[int, ...] = (1, 3, 16, 16), **settings: object) -> object:
        from exporter.data.settings.model import ModelSettings
        from exporter.sources.load import load_source

        given = {"inputs": ({"name": "image", "shape": shape},), "mean": (0.5,), "std": (0.25,), **settings}
        return load_source(f"{MODELS}:{name}", ModelSettings.model_validate(given))

    return load_model
