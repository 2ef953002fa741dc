"""`transformers:CONFIG_OR_FOLDER[:HEAD]`, or a repository of the Hugging Face hub instead of a folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from exporter.data.errors import UsageProblem, first_line
from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import load, load_torch, quiet, seeded
from exporter.sources.libraries.cards import license_of
from exporter.sources.libraries.hub import from_hub
from exporter.sources.libraries.objects import read_object
from exporter.sources.libraries.transformers.heads import Head, head_of, part_of
from exporter.sources.libraries.transformers.inputs import arguments, image_of, known_inputs, resize_of
from exporter.sources.libraries.transformers.place import (
    OLD,
    PROCESSOR,
    SAFE,
    SMALL,
    Place,
    place_of,
    processor_of,
)
from exporter.sources.libraries.transformers.tasks import Known, labels_of, task_of
from exporter.sources.modules import Found, from_module
from exporter.sources.source import ModelSource, Source
from exporter.sources.weights import misfit, read_state

_ATTENTION = "eager"
"""Written out in operators that every converter knows, and not as one fused operator."""


class Transformers:
    """A model of transformers; code that a repository brings is never run."""

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Build the model of its configuration and load its weights."""
        return from_module(SourceKind.TRANSFORMERS, spec, settings, load_transformers_model(spec, settings))

    def files(self, spec: str) -> Sequence[Path]:
        """Configuration, weights, processor and model card."""
        return place_of(spec).files


SOURCE: Source = Transformers()


def load_transformers_model(spec: str, settings: ModelSettings) -> Found:
    """Module in eval mode with what its configuration, its processor and its model card say.

    Raises:
        UsageProblem: no such folder, not a configuration, a model that is code of its own, no such head, no weights, or
            weights that do not fit.
        ToolError: the files of a repository cannot be had.
    """
    transformers = load("transformers", extra="models")
    place = place_of(spec)
    if place.folder is None:
        place = _fetched(place, weights=settings.weights in (None, "default"))
    head = head_of(transformers, _config(transformers, place), place.head, spec)
    loaded = _loaded(head, place, settings.weights or "default")
    return _found(loaded, head, place, settings, transformers.__version__)


class _Loaded(NamedTuple):
    """A model with weights, and why one of its outputs means nothing, by its name."""

    module: Any
    meaningless: dict[str, str]


def _step(loaded: _Loaded, head: Head, place: Place, settings: ModelSettings, length: int) -> Found:
    """A decoder with a cache of `length` tokens, as one step."""
    from exporter.sources.libraries.transformers.decoder import CARRIED, COUNTER, decoder_inputs, decoder_of

    if settings.inputs:
        raise UsageProblem(
            f"model {place.spec}: a decoder with cache_length has inputs of its own: give no input shape."
        )
    decoder = decoder_of(part_of(loaded.module, head, place.spec), length, place.spec)
    return Found(decoder, inputs=decoder_inputs(decoder.shape), carried=CARRIED, counter=COUNTER)


def _found(loaded: _Loaded, head: Head, place: Place, settings: ModelSettings, version: str) -> Found:
    default = settings.weights in (None, "default")
    length = settings.cache_length
    found = _whole(loaded, head, place, settings) if length is None else _step(loaded, head, place, settings, length)
    return replace(
        found,
        license=license_of(place.folder) if default else "",
        notes=(*loaded.meaningless.values(), *found.notes),
        identity=f"{head.kind.__name__} {head.part} transformers {version} {length or ''} {_described(head.config)}",
        has_weights=True,
    )


def _whole(loaded: _Loaded, head: Head, place: Place, settings: ModelSettings) -> Found:
    """A model that is called once an example."""
    from exporter.sources.libraries.transformers.wrapper import Wrapper

    module = part_of(loaded.module, head, place.spec)
    processor = processor_of(place)
    known = known_inputs(module, processor, place.spec)
    image = image_of(processor)
    names = arguments(module, settings.inputs, known, place.spec)
    plain = "pixel_values" in names and image is None and settings.weights != "none"
    notes = (f"model {place.spec} has no {PROCESSOR}, so that its normalization is not known: give --mean and --std",)
    return Found(
        Wrapper(module, names, frozenset(loaded.meaningless)).eval(),
        inputs=known,
        image=image,
        labels=() if head.part else labels_of(head.config),
        task={} if head.part else task_of(head.kind.__name__, Known(head.config, place.folder)),
        resize=resize_of(processor),
        notes=notes if plain and settings.mean is None else (),
    )


def _fetched(place: Place, *, weights: bool) -> Place:
    """The place with a folder of the hub's cache that holds the repository's files, with or without weights."""
    hub = load("huggingface_hub", extra="models")

    def fetch() -> Path:
        folder = Path(hub.snapshot_download(place.name, allow_patterns=[*SMALL, *(SAFE if weights else ())]))
        if weights and not list(folder.glob(SAFE[0])):
            hub.snapshot_download(place.name, allow_patterns=OLD)
        return folder

    return place.with_folder(from_hub(place.spec, fetch, "give a folder that has its files"))


def _config(transformers: Any, place: Place) -> Any:
    assert place.config is not None
    given = read_object(place.config)
    if "auto_map" in given and given.get("model_type") not in transformers.CONFIG_MAPPING:
        raise UsageProblem(
            f"model {place.spec} is code that its files bring, which is never run. If you trust it, load it in a "
            "factory of your own: path/to/file.py:factory."
        )
    try:
        with quiet():
            config = transformers.AutoConfig.from_pretrained(place.config, trust_remote_code=False)
    except Exception as error:
        raise UsageProblem(
            f"model {place.spec}: {place.config} is not a configuration of transformers: {first_line(error)}"
        ) from error
    config.use_cache = False
    return config


def _loaded(head: Head, place: Place, choice: str) -> _Loaded:
    if choice == "none":
        with quiet(), seeded():
            return _Loaded(head.kind._from_config(head.config, attn_implementation=_ATTENTION).eval(), {})
    if choice == "default" and not place.weights:
        raise UsageProblem(
            f"model {place.spec} has no weights: {place.name} holds no .safetensors or pytorch_model.bin. Give a state "
            "dict with --weights FILE, or --weights none for random weights."
        )
    given = {"state_dict": read_state(Path(choice))} if choice != "default" else {}
    try:
        with quiet(), seeded():
            module, told = head.kind.from_pretrained(
                place.folder if choice == "default" else None,
                config=head.config,
                attn_implementation=_ATTENTION,
                dtype=load_torch().float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                local_files_only=True,
                **given,
            )
    except Exception as error:
        raise UsageProblem(f"model {place.spec}: its weights cannot be loaded: {first_line(error)}") from error
    return _Loaded(module.eval(), _checked(told, head, place, choice))


def _checked(told: Any, head: Head, place: Place, choice: str) -> dict[str, str]:
    """Outputs that the weights give no meaning; more than that is a misfit.

    Raises:
        UsageProblem: weights of the head are missing, or have other shapes.
    """
    where = f"weights of {place.name}" if choice == "default" else f"weights {choice}"
    missing = sorted(told["missing_keys"])
    pooler = [key for key in missing if "pooler." in key]
    shapes = [f"{key} {tuple(there)} instead of {tuple(own)}" for key, there, own in sorted(told["mismatched_keys"])]
    if missing != pooler or shapes:
        raise misfit(where, {"missing": missing, "of another shape": shapes}, f"the model {head.kind.__name__}")
    if not pooler:
        return {}
    return {"pooler_output": f"the {where} have none for the pooler, so that its output was left out"}


def _described(config: Any) -> str:
    """What decides the architecture: not where it was read from."""
    known = {
        key: value for key, value in config.to_dict().items() if key not in ("_name_or_path", "transformers_version")
    }
    return repr(sorted(known.items(), key=lambda item: item[0]))
