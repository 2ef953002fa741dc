"""Normalization inside the artifact: which models can have it, and what it computes."""

from exporter.data.facts.source import ImageSpec, SourceDescription
from exporter.data.settings.target import Target

SCOPE = "preprocessing/"
"""What the names of operators and values begin with that stand before the model."""


def preprocessing_problem(target: Target, source: SourceDescription) -> str | None:
    """Why an artifact cannot take the pixels themselves, as a sentence; None where it can, or is not asked to."""
    if target.preprocessing == "none":
        return None
    wanted = f'preprocessing = "{target.preprocessing}" is for models with one input, an image of floats'
    if len(source.inputs) > 1:
        names = ", ".join(spec.name for spec in source.inputs)
        return f"{wanted}; this one has {len(source.inputs)} inputs ({names}). Leave preprocessing out."
    (spec,) = source.inputs
    if spec.image is None:
        return (
            f"{wanted}; input {spec.name} {list(spec.shape)} of {spec.dtype} is none: an image has four dimensions, "
            "with 1 or 3 channels. Leave preprocessing out, or give --input-shape and --layout if it is one."
        )
    if spec.dtype == "uint8":
        return (
            f"input {spec.name} takes pixels already (uint8), so that nothing is left to do: leave preprocessing out."
        )
    return None


def scale_and_shift(image: ImageSpec) -> tuple[list[float], list[float]]:
    """Of ``scale * pixel + shift`` on pixels from 0 to 255, a channel in the source's order."""
    return [1 / (255 * std) for std in image.std], [
        -mean / std for mean, std in zip(image.mean, image.std, strict=True)
    ]


def turned(image: ImageSpec) -> bool:
    """Whether the source takes the channels of an RGB picture in the opposite order."""
    return image.color == "BGR"
