"""`transformers:` builds what a configuration says, with the head that is asked for, and runs no code of others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from exporter.config.model import completed
from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.source import ImageSpec
from exporter.data.settings.model import ModelSettings
from exporter.sources.load import load_source
from exporter.sources.registry import light_key
from exporter.sources.source import ModelSource

SIZE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
WHISPER = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "max_source_positions": 20,
    "max_target_positions": 12,
    "vocab_size": 30,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
T5 = {"vocab_size": 50, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
CLIP = {"text_config": SIZE, "vision_config": {**SIZE, "image_size": 16, "patch_size": 8, "projection_dim": 8}}
GPT2 = {"vocab_size": 50, "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 24}
YOLOS = {**SIZE, "image_size": [32, 32], "num_detection_tokens": 4}

Written = Callable[..., str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a configuration alone; gives the MODEL argument."""

    def write(config: str, architecture: str, **given: Any) -> str:
        built = getattr(transformers, config)(**given)
        built.architectures = [architecture]
        built.save_pretrained(tmp_path)
        return f"transformers:{tmp_path}"

    return write


@pytest.fixture
def bert(tmp_path: Path) -> str:
    """A folder with weights."""
    torch.manual_seed(0)
    config = transformers.BertConfig(**SIZE, vocab_size=50, num_labels=3)
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    return f"transformers:{tmp_path}"


def load(spec: str, **given: Any) -> ModelSource:
    return load_source(spec, ModelSettings.model_validate(given))


def inputs(source: ModelSource) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {spec.name: (spec.dtype, spec.shape) for spec in source.description.inputs}


def test_a_folder_computes_what_transformers_does(bert: str) -> None:
    source = load(bert)
    model = transformers.BertForSequenceClassification.from_pretrained(bert.removeprefix("transformers:")).eval()
    tokens, mask = torch.arange(128)[None] % 50, (torch.arange(128)[None] < 20).long()
    with torch.no_grad():
        wanted = model(input_ids=tokens, attention_mask=mask).logits
        torch.testing.assert_close(source.module(tokens, mask)["logits"], wanted, atol=1e-5, rtol=1e-4)
    assert inputs(source) == {"input_ids": ("int64", (1, 128)), "attention_mask": ("int64", (1, 128))}
    assert source.description.outputs == ("logits",)


@pytest.mark.parametrize(
    ("config", "given", "head", "takes", "gives"),
    [
        (
            "T5Config",
            T5,
            "encoder",
            {"input_ids": (1, 128), "attention_mask": (1, 128)},
            {"last_hidden_state": (1, 128, 16)},
        ),
        ("WhisperConfig", WHISPER, "encoder", {"input_features": (1, 80, 40)}, {"last_hidden_state": (1, 20, 16)}),
        (
            "CLIPConfig",
            CLIP,
            "text_model",
            {"input_ids": (1, 77), "attention_mask": (1, 77)},
            {"last_hidden_state": (1, 77, 16), "pooler_output": (1, 16)},
        ),
        (
            "CLIPConfig",
            CLIP,
            "vision_model",
            {"pixel_values": (1, 3, 16, 16)},
            {"last_hidden_state": (1, 5, 16), "pooler_output": (1, 16)},
        ),
        (
            "CLIPConfig",
            CLIP,
            "CLIPVisionModelWithProjection",
            {"pixel_values": (1, 3, 16, 16)},
            {"image_embeds": (1, 8)},
        ),
        ("GPT2Config", GPT2, "ForCausalLM", {"input_ids": (1, 24), "attention_mask": (1, 24)}, {"logits": (1, 24, 50)}),
        ("YolosConfig", YOLOS, "", {"pixel_values": (1, 3, 32, 32)}, {"logits": (1, 4, 3), "pred_boxes": (1, 4, 4)}),
        (
            "WhisperConfig",
            WHISPER,
            "ForSpeechSeq2Seq",
            {"input_features": (1, 80, 40), "decoder_input_ids": (1, 12)},
            {"logits": (1, 12, 30)},
        ),
        ("Wav2Vec2Config", {**SIZE, "vocab_size": 30}, "ForCTC", {"input_values": (1, 16000)}, {"logits": (1, 49, 30)}),
    ],
)
def test_heads_and_parts_have_their_inputs_and_outputs(
    config: str,
    given: dict[str, Any],
    head: str,
    takes: dict[str, tuple[int, ...]],
    gives: dict[str, tuple[int, ...]],
    written: Written,
) -> None:
    spec = written(config, f"{config.removesuffix('Config')}ForObjectDetection", **given)
    source = load(f"{spec}:{head}" if head else spec, weights="none")
    assert {name: shape for name, (_, shape) in inputs(source).items()} == takes
    assert dict(zip(source.description.outputs, source.description.output_shapes, strict=True)) == gives


@pytest.mark.parametrize(
    ("config", "given", "head", "task"),
    [
        ("BertConfig", SIZE, "ForSequenceClassification", {"kind": "text", "output": "logits", "scores": "texts"}),
        (
            "BertConfig",
            {**SIZE, "num_labels": 1},
            "ForSequenceClassification",
            {"kind": "regression", "output": "logits"},
        ),
        (
            "BertConfig",
            {**SIZE, "id2label": {0: "O", 1: "B-PER"}, "label2id": {"O": 0, "B-PER": 1}},
            "ForTokenClassification",
            {"kind": "text", "output": "logits", "scores": "tokens", "not_named": [0], "entities": "iob"},
        ),
        ("BertConfig", SIZE, "ForMaskedLM", {"kind": "text", "output": "logits", "scores": "tokens"}),
        ("GPT2Config", GPT2, "GPT2LMHeadModel", {"kind": "text", "output": "logits", "scores": "next"}),
        ("BertConfig", SIZE, "Model", {}),
        (
            "YolosConfig",
            YOLOS,
            "ForObjectDetection",
            {"kind": "detection", "head": "detr", "outputs": ["pred_boxes", "logits"]},
        ),
        (
            "ViTConfig",
            {**SIZE, "image_size": 16, "patch_size": 8},
            "ForImageClassification",
            {"kind": "classification", "output": "logits"},
        ),
        (
            "Wav2Vec2Config",
            {**SIZE, "vocab_size": 30, "pad_token_id": 3},
            "ForCTC",
            {"kind": "speech", "output": "logits", "blank": 3},
        ),
        ("CLIPConfig", CLIP, "CLIPTextModelWithProjection", {"kind": "embedding", "output": "text_embeds"}),
    ],
)
def test_a_head_says_its_task(
    config: str, given: dict[str, Any], head: str, task: dict[str, Any], written: Written
) -> None:
    """What is said is a task of this program: the settings take it."""
    source = load(f"{written(config, 'Model', **given)}:{head}", weights="none")
    assert source.description.task == task
    found = completed(source.settings, source.description).task
    assert found is None if not task else found is not None and found.kind == task["kind"]


def test_pixels_become_what_the_processor_makes_of_them(written: Written, tmp_path: Path) -> None:
    spec = written("ViTConfig", "ViTForImageClassification", **SIZE, image_size=32, patch_size=8)
    processor = {
        "do_resize": True,
        "size": {"shortest_edge": 40},
        "do_center_crop": True,
        "crop_size": {"height": 32, "width": 32},
        "do_normalize": True,
        "resample": 3,
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.5, 0.5, 0.5],
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    description = load(spec, weights="none").description
    wanted = ImageSpec(mean=(0.1, 0.2, 0.3), std=(0.5,) * 3, color="RGB", crop=0.8, interpolation="bicubic")
    assert description.inputs[0].image == wanted
    assert description.resize == "crop"


def test_pixels_from_minus_one_to_one_in_the_order_of_opencv(written: Written, tmp_path: Path) -> None:
    spec = written("ViTConfig", "ViTForImageClassification", **SIZE, image_size=32, patch_size=8)
    processor = {
        "do_normalize": False,
        "rescale_factor": 1 / 127.5,
        "rescale_offset": True,
        "do_flip_channel_order": True,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    image = load(spec, weights="none").description.inputs[0].image
    assert image is not None
    assert image.color == "BGR"
    assert image.mean == pytest.approx((0.5,) * 3)
    assert image.std == pytest.approx((0.5,) * 3)


def test_class_names_and_license_are_the_folders_own(bert: str) -> None:
    folder = Path(bert.removeprefix("transformers:"))
    config = json.loads((folder / "config.json").read_text())
    names = {"id2label": {"0": "bad", "1": "fair", "2": "good"}, "label2id": {"bad": 0, "fair": 1, "good": 2}}
    (folder / "config.json").write_text(json.dumps({**config, **names}))
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    description = load(bert).description
    assert description.labels == ("bad", "fair", "good")
    assert description.license == "cc-by-nc-4.0"
    assert any("no commercial use" in note for note in description.notes)
    tokens = load(f"{bert}:ForTokenClassification", weights="none").description
    assert (tokens.labels, tokens.classes) == ((), ("bad", "fair", "good"))


def test_any_argument_of_forward_can_be_an_input(bert: str) -> None:
    names = ("input_ids", "attention_mask", "token_type_ids")
    given = tuple({"name": name, "dtype": "int64", "shape": (1, 8)} for name in names)
    assert tuple(inputs(load(bert, inputs=given))) == names


def test_a_state_dict_of_transformers_is_taken_with_its_tied_weights(written: Written, tmp_path: Path) -> None:
    spec = written("GPT2Config", "GPT2LMHeadModel", **GPT2)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2))
    model.save_pretrained(tmp_path / "weights")
    source = load(spec, weights=str(tmp_path / "weights" / "model.safetensors"))
    torch.testing.assert_close(source.module.model.lm_head.weight, model.lm_head.weight)


def test_a_pooler_without_weights_is_left_out_and_said(written: Written, tmp_path: Path) -> None:
    """Checkpoints of masked language models have none; what random weights give must not be shipped."""
    transformers.BertForMaskedLM(transformers.BertConfig(**SIZE, vocab_size=50)).save_pretrained(tmp_path)
    description = load(f"transformers:{tmp_path}:Model").description
    assert description.outputs == ("last_hidden_state",)
    assert "pooler" in description.notes[0]


def test_the_key_follows_every_file_of_the_folder(bert: str) -> None:
    folder, keys = Path(bert.removeprefix("transformers:")), {light_key(bert, ModelSettings())}
    for name in ("config.json", "model.safetensors", "README.md"):
        content = (folder / name).read_bytes() if (folder / name).is_file() else b""
        (folder / name).write_bytes(content + b" ")
        keys.add(light_key(bert, ModelSettings()))
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("head", "given", "says"),
    [
        (":ForObjectDetection", {}, "a bert model has no head ForObjectDetection"),
        (":ForTokenClasification", {}, "Did you mean ForTokenClassification?"),
        (":GPT2LMHeadModel", {}, "GPT2LMHeadModel is not for a bert model"),
        (":encoder", {}, "no part encoder that is a model of its own"),
        (":ForQuestionAnswering", {}, "missing: qa_outputs.bias, qa_outputs.weight"),
        ("", {"weights": "absent.safetensors"}, "no such file"),
        ("", {"inputs": ({"shape": (1, 8)},)}, "takes input_ids, attention_mask, not image"),
        ("", {"inputs": ({"name": "input_ids", "shape": (1, 600), "dtype": "int64"},)}, "does not run on inputs"),
    ],
)
def test_what_does_not_fit_gets_one_clear_error(head: str, given: dict[str, Any], says: str, bert: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        load(f"{bert}{head}", **given)
    assert says in str(caught.value)


def test_weights_of_other_shapes_are_named(bert: str, tmp_path: Path) -> None:
    other = transformers.BertForSequenceClassification(transformers.BertConfig(**SIZE, vocab_size=50, num_labels=2))
    torch.save(other.state_dict(), tmp_path / "other.pt")
    with pytest.raises(UsageProblem, match=r"classifier.weight \(2, 16\) instead of \(3, 16\)"):
        load(bert, weights=str(tmp_path / "other.pt"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "is not a configuration of transformers"),
        ('{"model_type": "no_such_model"}', "is not a configuration of transformers"),
        (
            '{"model_type": "own", "auto_map": {"AutoModel": "own.Model"}}',
            "code that its files bring, which is never run",
        ),
    ],
)
def test_what_is_no_configuration_gets_one_clear_error(content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UsageProblem) as caught:
        load(f"transformers:{tmp_path}", weights="none")
    assert says in str(caught.value)


def test_a_configuration_alone_needs_weights_or_none(written: Written) -> None:
    spec = written("BertConfig", "BertModel", **SIZE)
    for alone in (spec, f"{spec}/config.json"):
        with pytest.raises(UsageProblem, match=r"has no weights.*--weights none"):
            load(alone)
        assert load(alone, weights="none").description.output_shapes[0] == (1, 128, 16)


def test_a_folder_that_is_not_there_and_a_repository_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageProblem, match="no such file or folder"):
        load("transformers:./absent")
    with pytest.raises(ToolError, match=r"HF_HUB_OFFLINE is set.*give a folder"):
        load("transformers:somebody/absent")
