"""A decoder of GPT-2's size with random weights: 64 tokens of greedy decoding in each form, beside torch's own.

python benchmarks/decoder.py [FORM ...]
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import load, load_torch, quiet
from exporter.formats.format import Origin
from exporter.formats.registry import format_named
from exporter.formats.session import ConversionSession
from exporter.sources.load import load_source

PROMPT, STEPS = (464, 2068, 7586, 21831), 64
FORMS: dict[str, dict[str, Any]] = {
    "TFLite float32, explicit cache": {"format": "tflite", "minimum_os": "Android 14"},
    "Core ML float32, states": {
        "format": "coreml",
        "minimum_os": "iOS 18",
        "states": True,
        "quantization": {"precision": "float32"},
    },
    "Core ML float16, states": {"format": "coreml", "minimum_os": "iOS 18", "states": True},
}

Call = Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]


def main(chosen: Sequence[str]) -> int:
    """Print a markdown table; 1 when a token differs."""
    same = True
    with tempfile.TemporaryDirectory() as folder:
        wanted = _saved(Path(folder))
        settings = ModelSettings(cache_length=len(PROMPT) + STEPS)
        source = load_source(f"transformers:{folder}:ForCausalLM", settings)
        print(f"torch: {len(set(wanted))} different tokens of {len(wanted)}")
        print("| form | route | conversion s | MB | ms a step here | same tokens of 64 |\n|---|---|---|---|---|---|")
        for name in chosen or FORMS:
            form = format_named(FORMS[name]["format"])
            target = form.target_type.model_validate({"name": "benchmark", **FORMS[name]})
            with quiet():
                made = ConversionSession(source, None, 1).convert(target, Path(folder))
            runner = form.evaluator(form.evaluators()[0], made.path, Origin(source.description))
            started = time.perf_counter()
            found = _greedy(runner.begin(), source.description)
            step_s = (time.perf_counter() - started) / (len(wanted) - 1)
            right = sum(one == other for one, other in zip(found[-STEPS:], wanted[-STEPS:], strict=True))
            size = made.inspection.size_bytes / 1e6
            figures = f"{made.seconds:.0f} | {size:.0f} | {1000 * step_s:.0f} | {right}"
            print(f"| {name} | {made.route} | {figures} |", flush=True)
            same &= right == STEPS
    return 0 if same else 1


def _saved(folder: Path) -> list[int]:
    """Write the model, and give what the library itself makes of the prompt."""
    torch, transformers = load_torch(), load("transformers", extra="models")
    torch.manual_seed(0)
    config = transformers.GPT2Config(initializer_range=0.1, bos_token_id=None, eos_token_id=None)
    model = transformers.GPT2LMHeadModel(config).eval()
    model.save_pretrained(folder)
    found = model.generate(torch.tensor([PROMPT]), do_sample=False, max_new_tokens=STEPS, pad_token_id=0)
    return found[0].tolist()  # type: ignore[no-any-return]


def _greedy(run: Call, description: SourceDescription) -> list[int]:
    tokens = list(PROMPT)
    held: dict[str, NDArray[Any]] = {}
    blank = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in description.inputs}
    for place in range(len(PROMPT) + STEPS - 1):
        given = blank | {"input_ids": np.array([[tokens[place]]]), "position": np.array([place])} | held
        found = dict(zip(description.outputs, run([given[name] for name in blank]), strict=True))
        held = {name: found[output] for name, output in description.carried.items()}
        if place + 1 == len(tokens):
            tokens.append(int(np.argmax(found["logits"])))
    return tokens


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
