"""`timm:NAME`, where NAME may have the tag of its weights: `timm:resnet50.a1_in1k`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporter.data.base import JsonMapping
from exporter.data.errors import UsageProblem
from exporter.data.facts.source import ImageSpec, SourceKind
from exporter.data.settings.model import InputSettings, ModelSettings
from exporter.data.settings.task import Resize
from exporter.data.spelling import nearest
from exporter.execution.heavy import load, seeded
from exporter.sources.inputs import known_interpolation
from exporter.sources.libraries.hub import from_hub, revisions
from exporter.sources.modules import Found, from_module
from exporter.sources.source import ModelSource, Source
from exporter.sources.weights import load_state, read_state

PREFIX = "timm:"
CLASSIFICATION: JsonMapping = {"kind": "classification"}
_FITTING: dict[str, Resize] = {"center": "crop", "squash": "stretch", "border": "letterbox"}
"""By ``crop_mode`` (timm/data/transforms_factory.py)."""


class Timm:
    """A model of timm, with its weights, the user's or none."""

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Build the network and load its weights."""
        return from_module(SourceKind.TIMM, spec, settings, load_timm_model(spec, settings))

    def files(self, spec: str) -> Sequence[Path]:
        """What the hub's cache has of its weights; the rest is decided by the version of timm."""
        return revisions(f"timm/{spec.removeprefix(PREFIX).partition('.')[0]}.*")


SOURCE: Source = Timm()


def load_timm_model(spec: str, settings: ModelSettings) -> Found:
    """Module in eval mode with what timm's ``pretrained_cfg`` says of it.

    Size, normalization and how images are fitted are those of timm's own weights, also for a file, which mostly has
    weights fine-tuned from them (that is noted). Class names and the license are taken with timm's own weights alone.

    Raises:
        UsageProblem: no such model, none with weights, or weights that do not fit.
        ToolError: the weights cannot be had.
    """
    timm = load("timm", extra="models")
    name, choice = spec.removeprefix(PREFIX), settings.weights or "default"
    _refuse_unknown(timm, name)
    module = _module(timm, spec, name, choice)
    about = module.pretrained_cfg
    own = choice == "default"
    return Found(
        module,
        inputs=(InputSettings(name="image", shape=(1, *about["input_size"])),),
        image=ImageSpec(
            mean=tuple(about["mean"]),
            std=tuple(about["std"]),
            color="RGB",
            crop=about.get("crop_pct") or 1.0,
            interpolation=known_interpolation(about.get("interpolation")),
        ),
        labels=_labels(timm, module) if own else (),
        task=CLASSIFICATION if module.num_classes else {},
        resize=_FITTING.get(about.get("crop_mode") or "center"),
        license=about.get("license") or "" if own else "",
        notes=() if own or choice == "none" else (_of_the_architecture(spec),),
        identity=f"{spec} timm {timm.__version__}",
        has_weights=True,
    )


def _module(timm: Any, spec: str, name: str, choice: str) -> Any:
    with seeded():
        if choice == "none":
            return timm.create_model(name).eval()
        if choice != "default":
            return _fine_tuned(timm, name, Path(choice))
        if not timm.models.is_model_pretrained(name):
            raise UsageProblem(f"timm has no weights for {name}: give --weights FILE, or --weights none.")
        return from_hub(spec, lambda: timm.create_model(name, pretrained=True)).eval()


def _fine_tuned(timm: Any, name: str, path: Path) -> Any:
    """The network with as many classes as the classifier of a state dict has."""
    module = timm.create_model(name)
    classifier = module.pretrained_cfg.get("classifier")
    weight = read_state(path).get(f"{classifier}.weight")
    if weight is not None and len(weight) != module.num_classes:
        module = timm.create_model(name, num_classes=len(weight))
    load_state(module, path)
    return module.eval()


def _refuse_unknown(timm: Any, name: str) -> None:
    if timm.models.is_model(name):
        tag = name.partition(".")[2]
        known = [found.partition(".")[2] for found in timm.list_pretrained(f"{name.partition('.')[0]}.*")]
        if tag and tag not in known:
            raise UsageProblem(f"timm has no weights {tag!r} for {name.partition('.')[0]}; it has {', '.join(known)}.")
        return
    near = nearest(name, timm.list_models())
    hint = f"did you mean {PREFIX}{near}?" if near else "timm.list_models() names them."
    raise UsageProblem(f"timm has no model {name!r}; {hint}")


def _labels(timm: Any, module: Any) -> tuple[str, ...]:
    """Names of timm's own classes, where the weights know a subset of ImageNet."""
    subset = timm.data.infer_imagenet_subset(module)
    if not subset:
        return ()
    names = timm.data.ImageNetInfo(subset)
    return tuple(names.index_to_description(index) for index in range(names.num_classes()))


def _of_the_architecture(spec: str) -> str:
    return (
        f"mean, std and size are those of timm's own weights for {spec}; if the file was trained with others, give "
        "--mean, --std and --input-shape"
    )
