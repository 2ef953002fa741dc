"""Finds the values of an ML program that a recipe learned ranges for."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from exporter.data.errors import ToolError
from exporter.data.facts.hints import CompressionHints, probe_input
from exporter.execution.heavy import quiet
from exporter.formats.coreml.reference import Observation, ReferenceModel
from exporter.sources.signatures import match_ranges, unmatched


def learned_ranges(mlmodel: Any, hints: CompressionHints) -> dict[str, dict[str, float]]:
    """The learned range of each value of a float program, as coremltools' graph passes take it.

    Args:
        mlmodel: a float program with tensor inputs, whose weights are the compressed model's.
        hints: of the compressed model.

    Raises:
        ToolError: a learned range belongs to no value of the program.
    """
    if not hints.activations:
        return {}
    values: dict[str, np.ndarray[Any, Any]] = {}

    def see(observation: Observation) -> None:
        if observation.value.is_floating_point():
            values[observation.name] = observation.value.numpy().copy()

    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "probed.mlpackage"
        with quiet():
            mlmodel.save(str(package))
        model = ReferenceModel(package, precision="float32")
        probe = {feature.name: probe_input(feature.shape, hints.probe_seed) for feature in model.inputs}
        model.predict(probe, observer=see)
    values.update(probe)
    matched = match_ranges(hints.activations, values)
    lost = unmatched(hints.activations, matched)
    if lost:
        raise ToolError(
            f"the learned ranges of {', '.join(lost[:5])} find no value in the Core ML program; without them the file "
            "would not be what was trained. Leave the static step out of the recipe and quantize in the target instead."
        )
    return {name: {"rmin": item.minimum, "rmax": item.maximum} for name, item in matched.items()}
