"""Loads networks with one operator of interest."""

from pathlib import Path

from exporter.data.settings.model import ModelSettings
from exporter.sources.load import load_source
from exporter.sources.source import ModelSource

MODELS = Path(__file__).resolve().parents[2] / "data" / "checked_models.py"


def load_checked(name: str) -> ModelSource:
    """A factory of `checked_models`, on images (1, 3, 8, 8)."""
    given = {"inputs": ({"name": "image", "shape": (1, 3, 8, 8)},)}
    return load_source(f"{MODELS}:{name}", ModelSettings.model_validate(given))
