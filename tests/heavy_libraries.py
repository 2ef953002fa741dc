"""Imports what most commands load, and the commands; nothing is computed, so that a process that did this may fork.

TensorFlow is not among them: a process that has it converts in another way (`exporter.execution.forked.can_fork`).
"""

import gc
import importlib
import sys

from exporter.cli.main import COMMANDS
from exporter.execution.garbage import process_is_ours
from exporter.execution.heavy import load, load_torchvision
from exporter.formats.coreml.coremltools import load_coremltools

process_is_ours()
load_torchvision()
load_coremltools()
for library in ("numba", "onnx", "onnxruntime", "onnxsim"):
    load(library)
for name in ("exporter.cli.outcome", "exporter.use_cases.run", *(entry.module for entry in COMMANDS.values())):
    importlib.import_module(name)
assert not {"tensorflow", "transformers"} & sys.modules.keys()
# Not searched for garbage in the copies, and so not written to: the memory stays shared.
gc.collect()
gc.freeze()
