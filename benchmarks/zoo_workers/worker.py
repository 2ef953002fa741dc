"""What the workers of `zoo.py` share: the model and its inputs, the comparison, the result as a file.

A worker is `python WORKER ZOO MODULE ...`: it imports the modules and then waits. Each line on its standard input is a
request, in JSON; for each it forks a process that converts one model in one way and writes what came of it. Its answers
are the id of that process, and later its exit code. It imports nothing of this program, so that it runs in the
environment of a peer.
"""

import importlib.util
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

INTEGERS_BELOW = 50
"""Smaller than every vocabulary in a zoo."""
BEST_DB = 200.0
MOST_LETTERS = 400

Array = np.ndarray[Any, Any]
Input = tuple[str, str, tuple[int, ...]]


@dataclass(frozen=True)
class Outcome:
    """What one way to convert one model came to.

    Attributes:
        snr_db: of the worst output; None where nothing was compared.
        route: how the converter did it, in its own words.
        reason: why there is no result, or what the converter itself said of it.
    """

    snr_db: float | None = None
    route: str = ""
    reason: str = ""
    converted: bool = True


@dataclass(frozen=True)
class Task:
    """One model to convert.

    Attributes:
        zoo: the file with its factory.
        inputs: name, dtype and shape of each.
        folder: for whatever is written.
        way: which of the worker's ways.
    """

    zoo: Path
    name: str
    inputs: tuple[Input, ...]
    factory: Callable[[], Any]
    folder: Path
    way: str

    def module(self) -> torch.nn.Module:
        """The model in eval mode; its outputs are a tuple of tensors.

        What its factory put among Python's modules and is none would be in the way of the factory's next call.
        """
        known = set(sys.modules)
        made = Flat(self.factory()).eval()
        for name in set(sys.modules) - known:
            if sys.modules[name].__spec__ is None:
                del sys.modules[name]
        return made

    def examples(self, seed: int) -> tuple[torch.Tensor, ...]:
        """Seeded inputs: numbers in [0, 1), integers under `INTEGERS_BELOW`, masks of ones that end in zeros."""
        generator = torch.Generator().manual_seed(seed)
        return tuple(_example(item, generator) for item in self.inputs)


class Flat(torch.nn.Module):
    """Gives the tensors of nested or named results as a tuple."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The tensors in the order of the result."""
        return tuple(_tensors(self.module(*inputs)))


def _tensors(result: Any) -> list[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        return [result]
    parts = result.values() if hasattr(result, "values") else result if isinstance(result, list | tuple) else ()
    return [tensor for part in parts for tensor in _tensors(part)]


def _example(item: Input, generator: torch.Generator) -> torch.Tensor:
    name, dtype, shape = item
    kind = getattr(torch, dtype)
    if kind.is_floating_point:
        return torch.rand(shape, generator=generator).to(kind)
    if "mask" in name:
        mask = torch.ones(shape, dtype=kind)
        mask[..., shape[-1] * 3 // 4 :] = 0
        return mask
    return torch.randint(0, INTEGERS_BELOW, shape, generator=generator).to(kind)


def wanted(module: torch.nn.Module, examples: Sequence[torch.Tensor]) -> list[Array]:
    """What torch gives."""
    with torch.no_grad():
        return [tensor.numpy() for tensor in module(*examples)]


def snr_db(expected: Array, found: Array) -> float:
    """Signal-to-noise ratio; `BEST_DB` at most, minus infinity for another shape or anything that is not finite."""
    one, other = np.asarray(expected, np.float64), np.asarray(found, np.float64)
    if one.size == other.size == 1:  # a scalar may have an axis
        one, other = one.reshape(()), other.reshape(())
    if one.shape != other.shape or not np.isfinite(other).all():
        return -np.inf
    noise, signal = float(((one - other) ** 2).sum()), float((one**2).sum())
    if noise == 0:
        return BEST_DB
    return min(BEST_DB, 10 * np.log10(signal / noise)) if signal else -np.inf


def best_over_orders(expected: Sequence[Array], found: Sequence[Array]) -> float:
    """The worst output's ratio, each against whichever result is like it, in either layout: in a peer's favour."""
    if len(found) < len(expected):
        return -np.inf
    return min(max(snr_db(one, view) for value in found for view in _layouts(value)) for one in expected)


def _layouts(value: Array) -> list[Array]:
    if value.ndim < 3:
        return [value]
    return [value, np.moveaxis(value, -1, 1), np.moveaxis(value, 1, -1)]


def with_shape(value: Array, shape: Sequence[int]) -> Array:
    """`value`, its channels moved to where `shape` has them."""
    fitting = [view for view in _layouts(value) if view.shape == tuple(shape)]
    return np.ascontiguousarray(fitting[0] if fitting else value)


def run_tflite(path: Path, inputs: Sequence[Array]) -> list[Array]:
    """Outputs of a TFLite model in LiteRT, in the file's order; inputs in the source's order and layout."""
    from ai_edge_litert.interpreter import Interpreter

    model = Interpreter(str(path), num_threads=1)
    model.allocate_tensors()
    left = list(model.get_input_details())
    for value in inputs:
        detail = next(item for item in left if _fits(item, value))
        left.remove(detail)
        model.set_tensor(detail["index"], with_shape(value, detail["shape"]).astype(detail["dtype"]))
    model.invoke()
    return [model.get_tensor(item["index"]) for item in model.get_output_details()]


def _fits(detail: dict[str, Any], value: Array) -> bool:
    same_kind = np.issubdtype(detail["dtype"], np.floating) == np.issubdtype(value.dtype, np.floating)
    return same_kind and any(view.shape == tuple(detail["shape"]) for view in _layouts(value))


def tflite_snr(path: Path, task: Task, module: torch.nn.Module) -> float:
    """Of the worst output over two examples."""
    return min(_tflite_snr(path, task.examples(seed), module) for seed in (1, 2))


def _tflite_snr(path: Path, examples: Sequence[torch.Tensor], module: torch.nn.Module) -> float:
    expected = wanted(module, examples)
    return best_over_orders(expected, run_tflite(path, [tensor.numpy() for tensor in examples]))


def work(attempt: Callable[[Task], Outcome], imports: Sequence[str], packages: Sequence[str]) -> None:
    """The main function of a worker: `attempt` raises whatever it likes where it cannot convert.

    Args:
        imports: modules that are loaded once, for all models.
        packages: distributions whose versions belong to a result.
    """
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.backends.mha.set_fastpath_enabled(False)  # operators that no converter knows
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # packages print what they like
    zoo, *more = sys.argv[1:]
    for name in (*more, *imports):
        importlib.import_module(name)
    module = _zoo(Path(zoo))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _convert(attempt, module, request, packages)
        print(child, file=answers, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)


def _convert(attempt: Callable[[Task], Outcome], zoo: Any, request: dict[str, str], packages: Sequence[str]) -> None:
    """What the forked process does, to its end."""
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ.update(TMPDIR=request["folder"], MOBILE_EXPORT_CACHE=f"{request['folder']}/cache")
    try:
        outcome = attempt(_task(zoo, request))
    except BaseException as error:  # noqa: BLE001 - whatever a converter raises is its answer
        outcome = Outcome(converted=False, reason=_first_words(error))
    document = asdict(outcome) | {"versions": {item: _version(item) for item in ("torch", *packages)}}
    Path(request["result"]).write_text(json.dumps(document))
    os._exit(0)


def _zoo(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("zoo_of_models", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _task(zoo: Any, request: dict[str, str]) -> Task:
    name = request["model"]
    inputs = tuple((str(item), str(dtype), tuple(shape)) for item, dtype, shape in zoo.INPUTS[name])
    return Task(Path(zoo.__file__), name, inputs, getattr(zoo, name), Path(request["folder"]), request["way"])


def _first_words(error: BaseException) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text[:MOST_LETTERS]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
