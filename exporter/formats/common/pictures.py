"""What every format's file says of its image inputs, as one text of JSON under a key of the format's own."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal

from exporter.data.facts.pictures import Picture
from exporter.data.facts.source import InputSpec
from exporter.data.settings.model import ModelSettings

Pictures = Mapping[str, Picture]
"""By the name of the input."""


Takes = Literal["floats", "pixels", "images"]
"""What image inputs of a file take: normalized floats; pixels as bytes, in RGB; or a picture, whose pixels the system
hands over in the order that the file asks for."""


def pictures_of(inputs: Sequence[InputSpec], settings: ModelSettings, takes: Takes) -> dict[str, Picture]:
    """Of the image inputs of an artifact.

    Args:
        inputs: of the source.
        settings: which say how pictures of another size are fitted.
    """
    return {spec.name: _picture(spec, settings, takes) for spec in inputs if spec.image is not None}


def _picture(spec: InputSpec, settings: ModelSettings, takes: Takes) -> Picture:
    image, resize = spec.image, settings.known_fitting
    assert image is not None
    floats = takes == "floats" and spec.dtype != "uint8"
    return Picture(
        color="RGB" if takes == "pixels" and image.color == "BGR" else image.color,
        mean=image.mean if floats else (),
        std=image.std if floats else (),
        resize=resize,
        crop=image.crop if resize == "crop" else None,
        interpolation=image.interpolation,
    )


def told(pictures: Pictures) -> str:
    """The text; empty where there are none."""
    facts = {name: one.model_dump(mode="json", exclude_defaults=True) for name, one in pictures.items()}
    return json.dumps(facts) if facts else ""


def read(text: str) -> dict[str, Picture]:
    """Of a file's text; nothing where it is another program's."""
    try:
        found = json.loads(text) if text else {}
        return {str(name): Picture.model_validate(facts) for name, facts in dict(found).items()}
    except (ValueError, TypeError):
        return {}
