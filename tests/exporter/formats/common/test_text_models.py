"""Encoders of text, sound and images become what their source is, at every length, and padding changes nothing."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import transformers
from numpy.typing import NDArray

from exporter.config.model import parse_shape
from exporter.data.settings.model import ModelSettings
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.formats.format import Origin
from exporter.formats.registry import all_formats
from exporter.formats.session import ConversionSession
from exporter.sources.load import load_source
from exporter.verification.runners import TorchRunner
from profilers.decibels import snr_db

SIZE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
WORDS = {**SIZE, "vocab_size": 50, "max_position_embeddings": 32, "initializer_range": 0.5}
T5 = {"vocab_size": 50, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
HEADS = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
SOUND = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "num_mel_bins": 8, "max_source_positions": 20}
IMAGE = {**SIZE, "image_size": 16, "patch_size": 8, "projection_dim": 8}
FORMATS = [form.name for form in all_formats()]
FLOAT32 = {"coreml": {"quantization": {"precision": "float32"}, "input_kind": "tensor"}}
SHORT, LONG = 9, 24


class Case(NamedTuple):
    """A configuration, its head, and whether it takes tokens and a mask."""

    config: Callable[[], Any]
    head: str
    tokens: bool = True


CASES = {
    "bert": Case(lambda: transformers.BertConfig(**WORDS), "ForSequenceClassification"),
    "t5": Case(lambda: transformers.T5Config(**T5), "encoder"),
    "clip-text": Case(
        lambda: transformers.CLIPConfig(text_config={**WORDS, "eos_token_id": 49, "projection_dim": 8}),
        "CLIPTextModelWithProjection",
    ),
    "clip-image": Case(lambda: transformers.CLIPConfig(vision_config=IMAGE), "CLIPVisionModelWithProjection", False),
    "whisper": Case(
        lambda: transformers.WhisperConfig(vocab_size=50, pad_token_id=0, **HEADS, **SOUND), "encoder", False
    ),
}
TOKENS = [name for name, case in CASES.items() if case.tokens]


class Converted(NamedTuple):
    source: TorchRunner
    artifact: ArtifactRunner
    shapes: list[tuple[int, ...]]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Converted]:
    """Converts a case, once, to a format."""

    @cache
    def session(name: str) -> ConversionSession:
        folder, case = tmp_path_factory.mktemp(name), CASES[name]
        case.config().save_pretrained(folder)
        shapes = [f"{item}:int64=1,{SHORT}..{LONG}" for item in ("input_ids", "attention_mask")]
        inputs = tuple(map(parse_shape, shapes)) if case.tokens else ()
        settings = ModelSettings(weights="none", inputs=inputs)
        return ConversionSession(load_source(f"transformers:{folder}:{case.head}", settings), None, 1)

    @cache
    def convert(name: str, form: str) -> Converted:
        made = session(name)
        (found,) = (one for one in all_formats() if one.name == form)
        given = {"name": "t", "format": form, "minimum_os": found.newest_os, **FLOAT32.get(form, {})}
        folder = tmp_path_factory.mktemp(f"{name}-{form}")
        path: Path = made.convert(found.target_type.model_validate(given), folder).path
        source = made.graph.source
        runner = found.evaluator(found.evaluators()[0], path, Origin(source.description))
        return Converted(TorchRunner(source.module), runner, [spec.shape for spec in source.description.inputs])

    return convert


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", TOKENS)
def test_every_length_gives_what_the_source_gives(converted: Any, name: str, form: str) -> None:
    source, artifact, _ = converted(name, form)
    for length in (SHORT, 10, 17, LONG):
        ids = tokens(length)
        mask = (np.arange(length)[None] < length - 3).astype(np.int64)
        assert snr(source([ids, mask]), artifact([ids, mask])) > 90, length


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", TOKENS)
def test_a_padded_example_gives_what_the_unpadded_one_gives(converted: Any, name: str, form: str) -> None:
    _, artifact, _ = converted(name, form)
    ids = tokens(12)
    padded, mask = np.pad(ids, ((0, 0), (0, 8)), constant_values=1), np.arange(20)[None] < 12
    alone = artifact([ids, np.ones_like(ids)])[0]
    found = artifact([padded, mask.astype(np.int64)])[0]
    found = found[:, :12] if found.ndim == 3 else found
    assert snr([alone], [found]) > 90
    unmasked = artifact([padded, np.ones_like(padded)])[0]
    assert name == "clip-text" or snr([alone], [unmasked[:, :12] if unmasked.ndim == 3 else unmasked]) < 30


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", sorted(CASES.keys() - set(TOKENS)))
def test_encoders_of_sound_and_images_give_what_the_source_gives(converted: Any, name: str, form: str) -> None:
    source, artifact, shapes = converted(name, form)
    inputs = [np.random.default_rng(1).random(shape, np.float32) for shape in shapes]
    assert snr(source(inputs), artifact(inputs)) > 90


def tokens(length: int) -> NDArray[np.int64]:
    """Words, of which the last is the end of the text to CLIP."""
    ids = np.random.default_rng(length).integers(2, 49, (1, length))
    ids[0, length - 4 if length > 12 else -1] = 49
    return ids


def snr(wanted: Any, found: Any) -> float:
    return min(snr_db(np.asarray(one), np.asarray(other)) for one, other in zip(wanted, found, strict=True))
