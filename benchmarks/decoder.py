"""A decoder of GPT-2's size or a third of it, with random weights: 64 tokens, greedy, in each form, beside torch's own.

Once with the tokens that the form itself chose, where one other token makes others follow, and once fed torch's tokens.

python benchmarks/decoder.py [--small] [FORM ...]
"""

import copy
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import load, load_torch, quiet
from exporter.formats.format import Origin
from exporter.formats.registry import format_named
from exporter.formats.session import ConversionSession
from exporter.sources.load import load_source
from exporter.sources.outputs import flatten
from exporter.sources.source import ModelSource
from exporter.verification.runners import TorchRunner
from profilers.decibels import snr_db

PROMPTS, SMALL = {False: (464, 2068, 7586, 21831), True: (464, 2068, 758, 2183)}, "--small"
BEFORE, STEPS = 4, 64
SIZES: dict[bool, dict[str, int]] = {False: {}, True: {"n_embd": 256, "n_head": 4, "vocab_size": 5000}}
FORMS: dict[str, dict[str, Any]] = {
    "TFLite float32, explicit cache": {"format": "tflite", "minimum_os": "Android 14"},
    "Core ML float32, states": {
        "format": "coreml",
        "minimum_os": "iOS 18",
        "states": True,
        "quantization": {"precision": "float32"},
    },
    "Core ML float16, states": {"format": "coreml", "minimum_os": "iOS 18", "states": True},
    "TFLite int8 weights, explicit cache": {
        "format": "tflite",
        "minimum_os": "Android 14",
        "quantization": {"mode": "dynamic_range"},
    },
    "Core ML int8 weights, states": {
        "format": "coreml",
        "minimum_os": "iOS 18",
        "states": True,
        "quantization": {"weights": {"method": "linear"}},
    },
}

IN_HALVES = "torch float16"
HEAD = """| form | route | conversion s | MB | ms a step here | same tokens of 64 | fed torch's tokens | SNR dB |
|---|---|---|---|---|---|---|---|"""

Call = Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]


def main(chosen: Sequence[str]) -> int:
    """Print a markdown table; 1 when a token differs."""
    same, small = True, SMALL in chosen
    with tempfile.TemporaryDirectory() as folder:
        wanted = _saved(Path(folder), small)
        settings = ModelSettings(cache_length=BEFORE + STEPS)
        source = load_source(f"transformers:{folder}:ForCausalLM", settings)
        scores = _decoded(TorchRunner(source.module), source.description, wanted[:-1]).scores
        gaps = sorted(float(np.diff(np.partition(row, -2)[-2:])[0]) for row in scores)
        print(f"torch: {len(set(wanted))} different tokens of {len(wanted)}; {_few(gaps)} between the two best scores")
        print(HEAD)
        for name in [name for name in chosen if name != SMALL] or (*FORMS, IN_HALVES):
            start, facts = _halved(source.module) if name == IN_HALVES else _converted(source, name, Path(folder))
            started = time.perf_counter()
            own = _decoded(start(), source.description, wanted[:BEFORE])
            step_s = (time.perf_counter() - started) / (len(wanted) - 1)
            fed = _decoded(start(), source.description, wanted[:-1])
            right = _same(own.tokens[-STEPS:], wanted[-STEPS:])
            alike = _same(np.argmax(fed.scores, 1), np.argmax(scores, 1))
            figures = f"{1000 * step_s:.0f} | {right} | {alike} | {snr_db(scores, fed.scores):.0f}"
            print(f"| {name} | {facts} | {figures} |", flush=True)
            same &= right == STEPS
    return 0 if same else 1


def _few(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values[:3])


def _same(found: Sequence[int] | NDArray[Any], wanted: Sequence[int] | NDArray[Any]) -> int:
    return sum(int(one == other) for one, other in zip(found, wanted, strict=True))


def _converted(source: ModelSource, name: str, folder: Path) -> tuple[Callable[[], Call], str]:
    form = format_named(FORMS[name]["format"])
    target = form.target_type.model_validate({"name": "benchmark", **FORMS[name]})
    with quiet():
        made = ConversionSession(source, None, 1).convert(target, folder)
    runner = form.evaluator(form.evaluators()[0], made.path, Origin(source.description))
    return runner.begin, f"{made.route} | {made.seconds:.0f} | {made.inspection.size_bytes / 1e6:.0f}"


def _halved(module: Any) -> tuple[Callable[[], Call], str]:
    """The source itself in float16, caches included."""
    torch = load_torch()
    half = copy.deepcopy(module).half()

    def call(inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        given = [torch.from_numpy(value) for value in inputs]
        with torch.no_grad():
            found = flatten(half(*(value.half() if value.is_floating_point() else value for value in given)))
        return [value.float().numpy() for value in found]

    return lambda: call, "| |"


def _saved(folder: Path, small: bool) -> list[int]:
    """Write the model, and give what the library itself makes of the prompt."""
    torch, transformers = load_torch(), load("transformers", extra="models")
    torch.manual_seed(0)
    config = transformers.GPT2Config(**SIZES[small], initializer_range=0.1, bos_token_id=None, eos_token_id=None)
    model = transformers.GPT2LMHeadModel(config).eval()
    model.save_pretrained(folder)
    found = model.generate(torch.tensor([PROMPTS[small]]), do_sample=False, max_new_tokens=STEPS, pad_token_id=0)
    return found[0].tolist()  # type: ignore[no-any-return]


class _Decoded(NamedTuple):
    """Tokens, prompt included, and the scores of each of the last `STEPS`: (64, vocabulary)."""

    tokens: Sequence[int]
    scores: NDArray[Any]


def _decoded(run: Call, description: SourceDescription, given: Sequence[int]) -> _Decoded:
    """Tokens that are not given are the best of the step before."""
    tokens, scores = list(given), []
    held: dict[str, NDArray[Any]] = {}
    blank = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in description.inputs}
    for place in range(BEFORE + STEPS - 1):
        taken = blank | {"input_ids": np.array([[tokens[place]]]), "position": np.array([place])} | held
        found = dict(zip(description.outputs, run([taken[name] for name in blank]), strict=True))
        held = {name: found[output] for name, output in description.carried.items()}
        scores.append(np.asarray(found["logits"], np.float32).reshape(-1))
        if place + 1 == len(tokens):
            tokens.append(int(np.argmax(scores[-1])))
    return _Decoded(tokens, np.stack(scores[-STEPS:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
