"""`torchvision:NAME`."""

import urllib.error
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.source import CROP, ImageSpec, SourceKind
from exporter.data.settings.model import InputSettings, ModelSettings
from exporter.data.spelling import nearest
from exporter.execution.heavy import load_torchvision, seeded
from exporter.sources.inputs import known_interpolation
from exporter.sources.modules import Found, from_module
from exporter.sources.source import ModelSource, Source
from exporter.sources.weights import load_state


class Torchvision:
    """A model of torchvision, with its weights, the user's or none."""

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Build the network and load its weights."""
        return from_module(SourceKind.TORCHVISION, spec, settings, load_torchvision_model(spec, settings))

    def files(self, spec: str) -> Sequence[Path]:
        """None: the version of torchvision decides it."""
        return []


SOURCE: Source = Torchvision()


def load_torchvision_model(spec: str, settings: ModelSettings) -> Found:
    """Module in eval mode, its input, normalization and class names, as torchvision's weight metadata says.

    Normalization and labels belong to torchvision's weights; with weights of the user's own they are not taken.

    Raises:
        UsageProblem: no such model, or weights that do not fit.
        ToolError: the default weights cannot be downloaded.
    """
    torchvision = load_torchvision()
    name = spec.removeprefix("torchvision:")
    known = torchvision.models.list_models()
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean torchvision:{near}?" if near else "torchvision.models.list_models() names them."
        raise UsageProblem(f"torchvision has no model {name!r}; {hint}")
    weights = torchvision.models.get_model_weights(name).DEFAULT
    choice = settings.weights or "default"
    try:
        with seeded():
            module = torchvision.models.get_model(
                name, weights=weights if choice == "default" else None, **_plain(name, choice)
            )
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ToolError(
            f"the weights of {spec} could not be downloaded: {reason}. Offline, give a state dict with --weights FILE, "
            "or --weights none for random weights."
        ) from error
    if choice not in ("default", "none"):
        load_state(module, Path(choice))
    own, preset = choice == "default", weights.transforms()
    size = _size(preset, "crop_size") or _size(preset, "resize_size") or 224
    return Found(
        module.eval(),
        inputs=(InputSettings(name="image", shape=(1, 3, size, size)),),
        image=_image(preset) if own and hasattr(preset, "mean") else None,
        labels=tuple(weights.meta.get("categories", ())) if own else (),
        resize="crop" if own and _size(preset, "crop_size") else None,
        identity=spec,
        has_weights=True,
    )


def _plain(name: str, choice: str) -> dict[str, Any]:
    """Keep segmentation and detection models from downloading a backbone that the user did not ask for."""
    if choice != "default" and any(
        part in name for part in ("deeplab", "fcn", "lraspp", "rcnn", "retinanet", "ssd", "fcos")
    ):
        return {"weights_backbone": None}
    return {}


def _image(preset: Any) -> ImageSpec:
    """How torchvision's own weights want pixels."""
    kept, shorter = _size(preset, "crop_size"), _size(preset, "resize_size")
    return ImageSpec(
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        color="RGB",
        crop=kept / shorter if kept and shorter else CROP,
        interpolation=known_interpolation(getattr(preset.interpolation, "value", None)),
    )


def _size(preset: Any, name: str) -> int | None:
    """A side in a preset, which says it as a number or as a list of one."""
    found = getattr(preset, name, None)
    return found[0] if isinstance(found, list | tuple) else found
