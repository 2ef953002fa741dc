"""`smp:ARCHITECTURE[:ENCODER[:CLASSES]]`, or a folder or a repository of the hub that ``save_pretrained`` made."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from exporter.data.errors import ToolError, UsageProblem, first_line
from exporter.data.facts.source import ImageSpec, SourceKind
from exporter.data.settings.model import InputSettings, ModelSettings
from exporter.data.spelling import did_you_mean
from exporter.execution.heavy import load, seeded
from exporter.sources.libraries.cards import CARD, license_of
from exporter.sources.libraries.hub import from_hub, revisions
from exporter.sources.libraries.objects import read_object
from exporter.sources.modules import Found, from_module
from exporter.sources.source import ModelSource, Source
from exporter.sources.weights import load_state, read_state

PREFIX = "smp:"
ENCODER, SIDE = "resnet34", 256
"""The library's own encoder where none is named; a side that every encoder can halve five times."""

_HEAD = "segmentation_head.0.weight"
_FILES = ("config.json", "model.safetensors", CARD)
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


class Smp:
    """A segmenter of segmentation-models-pytorch."""

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Build the network and load its weights."""
        return from_module(SourceKind.SMP, spec, settings, load_smp_model(spec, settings))

    def files(self, spec: str) -> Sequence[Path]:
        """Of a folder its files, of a repository what the hub's cache has; else the library's version decides."""
        name = spec.removeprefix(PREFIX)
        if Path(name).is_dir():
            return [path for path in (Path(name) / file for file in _FILES) if path.is_file()]
        return revisions(name) if _REPOSITORY.fullmatch(name) else []


SOURCE: Source = Smp()


class _Built(NamedTuple):
    """A network, the name of its encoder, the license of its weights, and the least score of a one class's pixel."""

    module: Any
    encoder: str
    channels: int = 3
    license: str = ""
    threshold: float = 0.0


def load_smp_model(spec: str, settings: ModelSettings) -> Found:
    """Module in eval mode with the normalization of its encoder's own weights.

    Raises:
        UsageProblem: no such architecture, encoder or folder; no weights, or weights that do not fit.
        ToolError: a repository cannot be had.
    """
    smp = load("segmentation_models_pytorch", extra="models")
    name, choice = spec.removeprefix(PREFIX), settings.weights or "default"
    saved = _folder(spec, name)
    with seeded():
        built = _named(smp, spec, name, choice) if saved is None else _saved(smp, spec, saved, choice)
    image = None if choice == "none" else _normalization(smp, built.encoder, spec)
    unknown = choice != "none" and image is None and settings.mean is None
    return Found(
        built.module.eval(),
        inputs=(InputSettings(name="image", shape=(1, built.channels, SIDE, SIDE)),),
        image=image,
        task={"kind": "segmentation", "threshold": built.threshold},
        license=built.license,
        notes=(f"the normalization of {spec} could not be had from the hub: give --mean and --std",) if unknown else (),
        identity=f"{spec} segmentation-models-pytorch {smp.__version__}",
        has_weights=True,
    )


def _folder(spec: str, name: str) -> Path | None:
    """The folder of a saved model, from the hub's cache if need be; None for the name of an architecture."""
    if Path(name).is_dir():
        return Path(name)
    if not _REPOSITORY.fullmatch(name):
        return None
    hub = load("huggingface_hub", extra="models")
    otherwise = "give a folder that save_pretrained made"
    return Path(from_hub(spec, lambda: hub.snapshot_download(name, allow_patterns=list(_FILES)), otherwise))


def _saved(smp: Any, spec: str, folder: Path, choice: str) -> _Built:
    """A model that ``save_pretrained`` wrote: its class, its arguments and its weights."""
    config = _FILES[0]
    if not (folder / config).is_file():
        raise UsageProblem(f"model {spec}: there is no such file {folder / config}; save_pretrained writes it.")
    given = read_object(folder / config)
    kind = getattr(smp, str(given.get("_model_class")), None)
    if kind is None:
        raise UsageProblem(f"model {spec}: {folder / config} is not of segmentation-models-pytorch.")
    arguments = {key: value for key, value in given.items() if not key.startswith("_")}
    try:
        module = kind(**{**arguments, "encoder_weights": None})
    except Exception as error:
        raise UsageProblem(f"model {spec} cannot be built of its {config}: {first_line(error)}") from error
    if choice != "none":
        load_state(module, folder / _FILES[1] if choice == "default" else Path(choice))
    license_ = license_of(folder) if choice == "default" else ""
    threshold = 0.5 if given.get("activation") else 0.0
    return _Built(module, str(given.get("encoder_name")), int(given.get("in_channels", 3)), license_, threshold)


def _named(smp: Any, spec: str, name: str, choice: str) -> _Built:
    """A network of an architecture, an encoder and a number of classes; a state dict says the last by its shapes."""
    architecture, encoder, classes = _parts(smp, spec, name)
    if choice == "default":
        raise UsageProblem(
            f"model {spec}: segmentation-models-pytorch has weights of encoders alone, not of whole segmenters. Give "
            "yours with --weights FILE, a folder that save_pretrained made, or --weights none for random weights."
        )
    state = {} if choice == "none" else read_state(Path(choice))
    if classes is None:
        classes = len(state[_HEAD]) if _HEAD in state else 1
    try:
        module = smp.create_model(architecture, encoder, encoder_weights=None, classes=classes)
    except Exception as error:
        raise UsageProblem(f"model {spec} cannot be built: {first_line(error)}") from error
    if choice != "none":
        load_state(module, Path(choice))
    return _Built(module, encoder)


def _parts(smp: Any, spec: str, name: str) -> tuple[str, str, int | None]:
    architecture, encoder, classes, *more = [*name.split(":"), "", ""][: max(3, name.count(":") + 1)]
    encoder = encoder or ENCODER
    if more or (classes and not (classes.isdigit() and int(classes))):
        raise UsageProblem(
            f"model {spec}: write {PREFIX}ARCHITECTURE[:ENCODER[:CLASSES]], as in {PREFIX}unet:resnet18:3."
        )
    _refuse_unknown(spec, "architecture", architecture.lower(), smp.MODEL_ARCHITECTURES_MAPPING)
    if not encoder.startswith("tu-"):  # timm's, of which there are over a thousand
        _refuse_unknown(spec, "encoder", encoder, smp.encoders.get_encoder_names())
    return architecture, encoder, int(classes) if classes else None


def _refuse_unknown(spec: str, what: str, name: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if name not in names:
        hint = did_you_mean(name, names, otherwise=f"known are {', '.join(names[:15])}.")
        raise UsageProblem(f"model {spec}: segmentation-models-pytorch has no {what} {name!r}; {hint}")


def _normalization(smp: Any, encoder: str, spec: str) -> ImageSpec | None:
    """Of the encoder's ImageNet weights, with which segmenters are trained; None where it cannot be had.

    The library's mean and std are on pixels within ``input_range``.
    """
    try:
        known = from_hub(spec, lambda: smp.encoders.get_preprocessing_params(encoder))
    except (ToolError, ValueError, KeyError):
        return None
    scale = known["input_range"][1]
    mean, std = (tuple(value / scale for value in known[name]) for name in ("mean", "std"))
    return ImageSpec(mean=mean, std=std, color="BGR" if known["input_space"] == "BGR" else "RGB")
