"""Speed of the evaluator against torch eager at batch 1, and of loading, measured in turns in one process.

python benchmarks/coreml_speed.py
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from exporter.execution.heavy import load_torchvision, quiet
from exporter.formats.coreml.coremltools import load_coremltools

_ROUNDS = 15


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def main() -> int:
    """Print a markdown table; 1 when a limit of the project is not met."""
    import torch

    from exporter.formats.coreml.reference import ReferenceModel

    coremltools, vision = load_coremltools(), load_torchvision().models
    met = True
    print("| model | load s | torch ms | float32 ms | ratio | float16 declared ms |\n|---|---|---|---|---|---|")
    for name in ("mobilenet_v2", "resnet50"):
        module = getattr(vision, name)(weights=None).eval()
        example = torch.rand(1, 3, 224, 224)
        traced = torch.jit.trace(module, example)
        with tempfile.TemporaryDirectory() as folder:
            models = {}
            for precision in ("FLOAT32", "FLOAT16"):
                path = Path(folder) / f"{precision}.mlpackage"
                with quiet():
                    coremltools.convert(
                        traced,
                        inputs=[coremltools.TensorType("x", shape=example.shape)],
                        compute_precision=getattr(coremltools.precision, precision),
                        minimum_deployment_target=coremltools.target.iOS18,
                        skip_model_load=True,
                    ).save(str(path))
                load_s = _seconds(partial(ReferenceModel, path, "float32"))
                models[precision] = ReferenceModel(path, "float32" if precision == "FLOAT32" else "declared")
            given = {"x": example.numpy()}
            calls: dict[str, Callable[[], object]] = {"torch": partial(module, example)}
            calls |= {precision: partial(model.predict, given) for precision, model in models.items()}
            with torch.inference_mode():
                times: dict[str, list[float]] = {key: [] for key in calls}
                for _ in range(_ROUNDS):
                    for key, call in calls.items():
                        times[key].append(_seconds(call))
        middle = {key: statistics.median(values) * 1e3 for key, values in times.items()}
        ratio = middle["FLOAT32"] / middle["torch"]
        met &= ratio <= 1.5 and load_s < 1
        print(
            f"| {name} | {load_s:.2f} | {middle['torch']:.1f} | {middle['FLOAT32']:.1f} | {ratio:.2f} | "
            f"{middle['FLOAT16']:.1f} |",
            flush=True,
        )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
