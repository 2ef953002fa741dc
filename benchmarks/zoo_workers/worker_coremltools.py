"""coremltools' float16 ML program, from a trace or from an exported program; converted, not run: it needs a Mac."""

from functools import partial
from typing import Any

import numpy as np
import torch
from worker import Outcome, Task, work


def attempt(task: Task) -> Outcome:
    """Convert as its documentation does."""
    import coremltools

    module, examples = task.module(), task.examples(0)
    options = {"minimum_deployment_target": coremltools.target.iOS17, "skip_model_load": True}
    if task.way == "trace":
        options["inputs"] = list(map(partial(_tensor_type, coremltools), task.inputs, examples))
        made = coremltools.convert(torch.jit.trace(module, examples, check_trace=False), **options)
    else:
        made = coremltools.convert(torch.export.export(module, examples).run_decompositions({}), **options)
    made.save(str(task.folder / "Model.mlpackage"))
    return Outcome(route=task.way)


def _tensor_type(coremltools: Any, item: tuple[Any, ...], tensor: torch.Tensor) -> Any:
    dtype = np.float32 if tensor.is_floating_point() else np.int32
    return coremltools.TensorType(name=item[0], shape=tuple(tensor.shape), dtype=dtype)


if __name__ == "__main__":
    work(attempt, ("coremltools",), ("coremltools",))
