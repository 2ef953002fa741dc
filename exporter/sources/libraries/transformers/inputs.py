"""What a model of transformers takes, and how pixels become it, as its configuration and its processor say."""

import inspect
from collections.abc import Mapping
from typing import Any, get_args

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import CROP, ImageSpec, Interpolation
from exporter.data.settings.model import ColorOrder, InputSettings
from exporter.data.settings.task import Resize

MOST_TOKENS = 128
"""Of an input of tokens where nobody gives its length: phones seldom need more, and attention grows with its square."""

_SIDE, _SECOND = 224, 16000
_RESAMPLE: dict[int | None, Interpolation] = dict(enumerate(get_args(Interpolation)))
"""By PIL's numbers, which image processors write."""
_LENGTHS = ("max_position_embeddings", "n_positions", "max_sequence_length")


def known_inputs(module: Any, processor: Mapping[str, Any], spec: str) -> tuple[InputSettings, ...]:
    """Inputs by the names of the arguments of ``forward``, in their order.

    Args:
        module: of transformers.
        processor: the contents of preprocessor_config.json; empty where there is none.
        spec: the MODEL argument, for messages.

    Raises:
        UsageProblem: they cannot be known.
    """
    takes = tuple(inspect.signature(module.forward).parameters)
    config, main = module.config, module.main_input_name
    found: dict[str, tuple[int, ...]] = {}
    if main == "input_ids":
        found |= _tokens(config, takes)
    if main == "pixel_values" or ("pixel_values" in takes and hasattr(config, "vision_config")):
        found["pixel_values"] = _pixels(config, processor)
    if main == "input_features" and hasattr(config, "max_source_positions"):
        found["input_features"] = (1, config.num_mel_bins, 2 * config.max_source_positions)
    if main == "input_values":
        found["input_values"] = _sound(config)
    if not found:
        raise UsageProblem(
            f"model {spec}: the shape of its input {main} is not known; give it with --input-shape {main}=1,80,3000, "
            "and the other inputs that it needs."
        )
    if "decoder_input_ids" in takes and config.is_encoder_decoder:
        found["decoder_input_ids"] = (1, min(_length(config), getattr(config, "max_target_positions", MOST_TOKENS)))
    return tuple(
        InputSettings.model_validate({"name": name, "shape": shape, "dtype": "int64" if _is_token(name) else "float32"})
        for name, shape in sorted(found.items(), key=lambda item: takes.index(item[0]))
    )


def arguments(module: Any, given: tuple[InputSettings, ...], known: tuple[InputSettings, ...], spec: str) -> list[str]:
    """Arguments of ``forward``, one an input: those that the user's names are, else by position.

    Raises:
        UsageProblem: a name is none, and inputs cannot be told apart by their position.
    """
    takes = tuple(inspect.signature(module.forward).parameters)
    names = [item.name for item in given or known]
    if all(name in takes for name in names):
        return names
    if len(given) == len(known) == 1:
        return [known[0].name]
    raise UsageProblem(
        f"model {spec} takes {', '.join(item.name for item in known)}, not {', '.join(names)}: name each input that "
        "you give a shape for, as in --input-shape input_ids:int64=1,64."
    )


def image_of(processor: Mapping[str, Any]) -> ImageSpec | None:
    """How the image processor makes values of pixels; None where there is none.

    Its ``rescale_factor`` is on pixels from 0 to 255, and mean and std on what that gives.
    """
    if "do_normalize" not in processor and "image_mean" not in processor:
        return None
    scale = 255 * float(processor.get("rescale_factor", 1 / 255)) if processor.get("do_rescale", True) else 255.0
    normalizes = processor.get("do_normalize", True)
    mean = processor.get("image_mean", 0.0) if normalizes else 0.0
    std = processor.get("image_std", 1.0) if normalizes else 1.0
    shift = 1.0 if processor.get("rescale_offset") else 0.0
    color: ColorOrder = "BGR" if processor.get("do_flip_channel_order") else "RGB"
    return ImageSpec(
        mean=tuple((value + shift) / scale for value in _channels(mean)),
        std=tuple(value / scale for value in _channels(std)),
        color=color,
        crop=_crop(processor),
        interpolation=_RESAMPLE.get(processor.get("resample")),
    )


def resize_of(processor: Mapping[str, Any]) -> Resize | None:
    """How the image processor fits images; None where it does not say."""
    if processor.get("do_center_crop"):
        return "crop"
    return "stretch" if processor.get("do_resize") and "height" in _size(processor, "size") else None


def _tokens(config: Any, takes: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    shape = (1, _length(config))
    return {name: shape for name in ("input_ids", "attention_mask") if name in takes}


def _length(config: Any) -> int:
    text = config.get_text_config()
    longest = [value for name in _LENGTHS if isinstance(value := getattr(text, name, None), int) and value > 0]
    return min([*longest, MOST_TOKENS])


def _pixels(config: Any, processor: Mapping[str, Any]) -> tuple[int, ...]:
    vision = getattr(config, "vision_config", config)
    channels = getattr(vision, "num_channels", 3)
    frames = (vision.num_frames,) if hasattr(vision, "num_frames") else ()
    return (1, *frames, channels, *_height_width(vision, processor))


def _height_width(config: Any, processor: Mapping[str, Any]) -> tuple[int, int]:
    size = _size(processor, "crop_size") if processor.get("do_center_crop") else _size(processor, "size")
    if "height" in size:
        return size["height"], size["width"]
    known = getattr(config, "image_size", None) or size.get("shortest_edge") or _SIDE
    return (known, known) if isinstance(known, int) else (known[0], known[-1])


def _size(processor: Mapping[str, Any], name: str) -> Mapping[str, int]:
    """A size as processors write it: one number is the side of a square crop, or the shorter side."""
    found = processor.get(name) or {}
    if isinstance(found, int):
        return {"height": found, "width": found} if name == "crop_size" else {"shortest_edge": found}
    return found if isinstance(found, Mapping) else {}


def _crop(processor: Mapping[str, Any]) -> float:
    kept = _size(processor, "crop_size").get("height")
    size = _size(processor, "size")
    shorter = size.get("shortest_edge") or min(size.get("height", 0), size.get("width", 0))
    return min(1.0, kept / shorter) if kept and shorter and processor.get("do_center_crop") else CROP


def _sound(config: Any) -> tuple[int, ...]:
    """Samples of a second at 16 kHz, or a spectrogram (AST)."""
    if hasattr(config, "num_mel_bins") and hasattr(config, "max_length"):
        return (1, config.max_length, config.num_mel_bins)
    return (1, _SECOND)


def _channels(value: Any) -> tuple[float, ...]:
    return tuple(map(float, value)) if isinstance(value, list | tuple) else (float(value),)


def _is_token(name: str) -> bool:
    return name.endswith(("_ids", "_mask"))
