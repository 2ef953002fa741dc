"""What an ONNX file says of itself: who made it, how pixels become its inputs, what its classes are called."""

import json
from pathlib import Path
from typing import Any

from exporter.data.facts.source import SourceDescription
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.target import Preprocessing
from exporter.execution.heavy import load
from exporter.formats.common.pictures import Takes, pictures_of, told
from exporter.formats.onnx.keys import AUTHORSHIP, IMAGES, LABELS, LARGEST_SHAPES
from exporter.formats.onnx.nodes import copy_of


def described(model: Any, description: SourceDescription, settings: ModelSettings, preprocessing: Preprocessing) -> Any:
    """A copy of `model` with its metadata.

    Args:
        preprocessing: what `model` does already, and an app must not do again.
    """
    copied = copy_of(model)
    copied.producer_name = "mobile-export"
    copied.producer_version = ""
    copied.doc_string = settings.description or f"{description.spec}, exported by mobile-export"
    facts = {name: getattr(settings, name) for name in AUTHORSHIP}
    facts[LABELS] = json.dumps(description.labels) if description.labels else ""
    takes: Takes = "floats" if preprocessing == "none" else "pixels"
    facts[IMAGES] = told(pictures_of(description.inputs, settings, takes))
    flexible = [spec for spec in description.inputs if spec.flexible is not None]
    facts["shapes"] = (
        json.dumps({spec.name: str(spec.channels_first.flexible) for spec in flexible}) if flexible else ""
    )
    facts[LARGEST_SHAPES] = json.dumps({spec.name: spec.channels_first.shape for spec in flexible}) if flexible else ""
    del copied.metadata_props[:]
    for key, value in facts.items():
        if value:
            entry = copied.metadata_props.add()
            entry.key, entry.value = key, value
    return copied


def labels_of(path: Path) -> tuple[str, ...]:
    """Class names in a file that this program made; empty where there are none."""
    model = load("onnx").load(str(path), load_external_data=False)
    found = {entry.key: entry.value for entry in model.metadata_props}.get(LABELS, "")
    try:
        labels = json.loads(found) if found else []
    except ValueError:  # another program's notion of labels
        return ()
    return tuple(map(str, labels)) if isinstance(labels, list) else ()
