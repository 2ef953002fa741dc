"""A decoder with a cache says, step by step in every format, what torch's own greedy decoding says."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import ImageSpec, InputSpec, SourceDescription
from exporter.data.settings.model import ModelSettings
from exporter.formats.artifact_runner import Call
from exporter.formats.format import Origin
from exporter.formats.registry import all_formats, format_named
from exporter.formats.session import ConversionSession
from exporter.sources.load import load_source
from exporter.sources.source import ModelSource
from exporter.verification.noise import IntegerRange
from exporter.verification.runners import TorchRunner
from exporter.verification.steps import steps_parity

GPT2 = {"vocab_size": 100, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 80, "initializer_range": 0.5}
PROMPT, STEPS = [5, 17, 3], 64
RANGES = {
    "input_ids": IntegerRange(low=0, high=99, known=True),
    "position": IntegerRange(low=0, high=79, known=True),
}
FLOAT32 = {"precision": "float32"}
WAYS: dict[str, dict[str, Any]] = {
    **{form.name: {"format": form.name} for form in all_formats()},
    "states": {"format": "coreml", "states": True},
    "states in float32": {"format": "coreml", "states": True, "quantization": FLOAT32},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decoder with weights that say something else at every step."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("gpt2")
    config = transformers.GPT2Config(**GPT2, bos_token_id=None, eos_token_id=None)
    transformers.GPT2LMHeadModel(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def source(folder: Path) -> ModelSource:
    return load(folder)


def load(folder: Path, **given: Any) -> ModelSource:
    settings = {"cache_length": len(PROMPT) + STEPS, **given}
    return load_source(f"transformers:{folder}:ForCausalLM", ModelSettings.model_validate(settings))


@pytest.fixture(scope="module")
def artifact(source: ModelSource, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Converts the decoder in one of `WAYS`, and runs what it gave."""
    session = ConversionSession(source, None, 1)

    def make(way: str) -> Any:
        (form,) = (one for one in all_formats() if one.name == WAYS[way]["format"])
        target = form.target_type.model_validate({"name": "t", "minimum_os": form.newest_os, **WAYS[way]})
        path = session.convert(target, tmp_path_factory.mktemp("made")).path
        return form.evaluator(form.evaluators()[0], path, Origin(source.description))

    return make


@pytest.fixture(scope="module")
def wanted(folder: Path) -> list[int]:
    """By the library itself."""
    model = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
    found = model.generate(torch.tensor([PROMPT]), do_sample=False, max_new_tokens=STEPS, pad_token_id=0)
    tokens: list[int] = found[0].tolist()
    assert len(set(tokens)) > 10  # a decoder that repeats itself would show nothing
    return tokens


def greedy(run: Call, description: SourceDescription, prompt: Sequence[int], steps: int) -> list[int]:
    """Tokens, each the best of the step before, as an app would make them."""
    tokens = list(prompt)
    held: dict[str, Any] = {}
    for place in range(len(prompt) + steps - 1):
        given = {"input_ids": np.array([[tokens[place]]]), "position": np.array([place]), **held}
        blank = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in description.inputs}
        found = dict(zip(description.outputs, run([(blank | given)[name] for name in blank]), strict=True))
        held = {name: found[output] for name, output in description.carried.items()}
        if place + 1 == len(tokens):
            tokens.append(int(np.argmax(found["logits"])))
    return tokens


def test_the_source_itself_says_what_the_library_says(source: ModelSource, wanted: list[int]) -> None:
    assert greedy(TorchRunner(source.module), source.description, PROMPT, STEPS) == wanted


@pytest.mark.parametrize("way", WAYS)
def test_every_format_says_what_the_library_says(
    artifact: Callable[[str], Any], source: ModelSource, wanted: list[int], way: str
) -> None:
    runner = artifact(way)
    assert greedy(runner.begin(), source.description, PROMPT, STEPS) == wanted
    assert greedy(runner, source.description, PROMPT, STEPS) == wanted  # states given and taken at every call


def test_a_tflite_step_gives_its_caches_as_it_takes_them(artifact: Callable[[str], Any]) -> None:
    """An app copies the bytes of one to the other, and sees no shape."""
    model = artifact("tflite").model
    details = [*model.get_input_details(), *model.get_output_details()]
    shapes = {detail["name"]: detail["shape"].tolist() for detail in details}
    cache = [1, GPT2["n_layer"] * GPT2["n_head"], len(PROMPT) + STEPS, GPT2["n_embd"] // GPT2["n_head"]]
    assert [shapes[name] for name in ("keys", "new_keys", "values", "new_values")] == [cache] * 4


def test_states_last_from_call_to_call_and_begin_anew(artifact: Callable[[str], Any], source: ModelSource) -> None:
    runner = artifact("states")
    assert [feature.name for feature in runner.model.inputs] == ["input_ids", "position"]
    inputs = [np.zeros(spec.shape, spec.dtype) for spec in source.description.inputs]
    call, later = runner.begin(), [inputs[0] + 9, inputs[1] + 1, *inputs[2:]]
    call(inputs)
    after, alone = call(later)[0], runner.begin()(later)[0]
    assert np.abs(after - alone).max() > 0.1


class Forgetful:
    """An artifact that carries nothing, as a conversion could make it that loses its states."""

    name, together, takes_pictures = "forgetful", 1, False

    def __init__(self, source: ModelSource) -> None:
        self.run, self.inputs = TorchRunner(source.module), source.description.inputs

    def __call__(self, inputs: Any) -> Any:
        return self.run([*inputs[:2], *(np.zeros(spec.shape, np.float32) for spec in self.inputs[2:])])

    def begin(self) -> Any:
        return self

    def many(self, batches: Any) -> Any:
        return [self(inputs) for inputs in batches]


def test_an_artifact_that_carries_nothing_is_seen(source: ModelSource) -> None:
    whole = TorchRunner(source.module)
    found = steps_parity(Forgetful(source), whole, source.description, RANGES)
    assert found is not None
    assert (found.runs, found.steps) == (True, 64)
    assert found.snr_db is not None
    assert found.snr_db < 20
    assert found.agreed < 100


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"cache_length": 81}, "has 80 positions"),
        ({"inputs": [{"name": "input_ids", "shape": [1, 4], "dtype": "int64"}]}, "give no input shape"),
        ({"carried": {"keys": "logits"}}, "must have the same shape"),
        ({"carried": {"key": "logits"}}, "has no such pair"),
        ({"counter": "keys"}, "has no input keys of integers"),
    ],
)
def test_what_cannot_be_carried_is_said(folder: Path, given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageProblem, match=says):
        load(folder, **given)


def test_a_model_without_a_next_token_is_refused(tmp_path: Path) -> None:
    config = transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    config.save_pretrained(tmp_path)
    settings = ModelSettings(cache_length=8, weights="none")
    with pytest.raises(UsageProblem, match="for decoders"):
        load_source(f"transformers:{tmp_path}:ForSequenceClassification", settings)


def test_states_need_a_system_that_has_them_and_a_source_that_carries(source: ModelSource) -> None:
    (form,) = (one for one in all_formats() if one.name == "coreml")
    target = {"name": "t", "format": "coreml", "states": True}
    with pytest.raises(ValueError, match="states needs iOS 18, minimum_os is iOS 17"):
        form.target_type.model_validate({**target, "minimum_os": "iOS 17"})
    wanted = form.target_type.model_validate({**target, "minimum_os": "iOS 18"})
    plain = source.description.model_copy(update={"carried": {}})
    several = source.description.model_copy(update={"carried": {"keys": "new_keys"}})
    assert form.refuse(wanted, source.description) is None
    assert "carries nothing from call to call" in str(form.refuse(wanted, plain))
    assert "must give one output" in str(form.refuse(wanted, several))


def test_what_is_carried_beside_an_image_needs_the_layout_of_the_source(source: ModelSource) -> None:
    form = format_named("tflite")
    image = InputSpec(name="image", shape=(1, 3, 8, 8), image=ImageSpec(mean=(0,) * 3, std=(1,) * 3, color="RGB"))
    seeing = source.description.model_copy(update={"inputs": (image, *source.description.inputs)})
    last, first = (
        form.target_type.model_validate({"name": "t", "format": "tflite", "minimum_os": "Android 14", "layout": layout})
        for layout in ("NHWC", "NCHW")
    )
    assert "carries keys, values, whose outputs would have their channels last" in str(form.refuse(last, seeing))
    assert form.refuse(first, seeing) is None
    assert form.refuse(last, source.description) is None


def test_a_source_that_does_not_run_step_by_step_is_not_checked(source: ModelSource) -> None:
    def failing(_: Any) -> Any:
        raise RuntimeError("no")

    found = steps_parity(Forgetful(source), failing, source.description, RANGES)  # type: ignore[arg-type]
    assert found is not None
    assert (found.runs, found.problem) == (None, "the source itself does not run step by step: no")
