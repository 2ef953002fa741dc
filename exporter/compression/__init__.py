"""Compression methods: each takes a model and a step of a recipe, and gives a model and what it did. Imports torch."""

from exporter.compression.apply import UnchangedError, apply_recipe
from exporter.compression.model import CompressedModel, CompressionData, Progress

__all__ = ["CompressedModel", "CompressionData", "Progress", "UnchangedError", "apply_recipe"]
