"""Writes decoding and suppression into a Core ML package."""

from pathlib import Path
from typing import Any

from exporter.execution.heavy import quiet
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.coreml.conversion.package import save
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.inspection.reader import WEIGHTS_FOLDER
from exporter.formats.coreml.postprocessing.joined import inline, join
from exporter.formats.coreml.postprocessing.pipeline import columns, pipeline
from exporter.formats.coreml.postprocessing.programs import candidate_program, suppression_program
from exporter.formats.coreml.settings import CoremlTarget


def postprocess(target: CoremlTarget, path: Path, out: Path, asked: Postprocessing) -> None:
    """See `Format.postprocess`."""
    spec = _loaded(path)
    if asked.decoder is not None:
        tail = _loaded(asked.decoder)
        inline(tail, asked.decoder / WEIGHTS_FOLDER)
        join(spec, tail, asked.wires, "decoding")
    if asked.suppression is not None:
        spec = _suppressed(spec, target, asked)
    spec.description.metadata.userDefined["com.github.mobile-export.postprocessing"] = target.postprocessing
    weights = path / WEIGHTS_FOLDER
    with quiet():
        model = load_coremltools().models.MLModel(
            spec, weights_dir=str(weights) if weights.exists() else None, skip_model_load=True
        )
    save(model, out)


def _suppressed(spec: Any, target: CoremlTarget, asked: Postprocessing) -> Any:
    assert asked.suppression is not None
    shapes = {item.name: tuple(item.type.multiArrayType.shape) for item in spec.description.output}
    boxes, scores, wires = shapes["boxes"], shapes["scores"], ("boxes", "scores")
    if target.suppression == "program":
        tail = suppression_program(boxes, scores, asked.suppression, target.generation)
        join(spec, tail, wires, "suppression")
        return spec
    height, width = asked.image.height_width
    tail = candidate_program(boxes, scores, columns(scores[2]), (width, height), target.generation)
    join(spec, tail, wires, "suppression")
    return pipeline(spec, asked.suppression, scores[2])


def _loaded(path: Path) -> Any:
    with quiet():
        return load_coremltools().utils.load_spec(str(path))
