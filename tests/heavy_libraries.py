"""Imports what most commands load; nothing is computed, so that a process which has done this may fork."""

from exporter.execution.heavy import load_torchvision
from exporter.formats.coreml.coremltools import load_coremltools

load_torchvision()
load_coremltools()
