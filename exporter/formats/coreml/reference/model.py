"""`ReferenceModel`: what a Core ML model package computes, on any operating system."""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from exporter.formats.coreml.reference.batching import largest_value, plan_batch
from exporter.formats.coreml.reference.classifier import Classifier, classifier_of, scalars_of
from exporter.formats.coreml.reference.dtypes import declared
from exporter.formats.coreml.reference.errors import ModelInputError
from exporter.formats.coreml.reference.features import Feature, features, to_input, to_output
from exporter.formats.coreml.reference.files.package import ModelFile, read_model_file
from exporter.formats.coreml.reference.files.program import default_function, load_program
from exporter.formats.coreml.reference.ops.control import StateSlot
from exporter.formats.coreml.reference.plan import Plan
from exporter.formats.coreml.reference.steps import Observation, Observer, Precision

_LARGEST_BATCH = 32
_BATCH_ELEMENTS = 2**23  # of the largest value; beyond, a batch takes memory and saves no time


class State:
    """Buffers that a stateful model keeps between predictions; made by `ReferenceModel.make_state`."""

    def __init__(self, slots: dict[str, StateSlot]) -> None:
        self.slots = slots

    def read(self, name: str) -> torch.Tensor:
        """A copy of the buffer called `name`; its floats are held in float32."""
        return self.slots[name].value.clone()

    def write(self, name: str, value: np.ndarray[Any, Any]) -> None:
        """Replace the buffer called `name` by an array of its shape; all states of Core ML are float16."""
        slot = self.slots[name]
        slot.value = torch.from_numpy(value.astype(np.float16).astype(np.float32)).reshape(slot.value.shape)


class ReferenceModel:
    """Evaluates a Core ML ML program with torch on the CPU.

    It proves what the file computes; it does not predict the rounding of the Neural Engine or the GPU.

    Args:
        path: an ``.mlpackage``, or an ``.mlmodel`` that holds an ML program; or what was read of one.
        precision: ``declared`` rounds every value to the dtype that the program declares for it, with sums in
            float32: the best that a float16 device can do. ``float32`` leaves that rounding out, to tell rounding from
            faults.
        function_name: which function of a multi-function model; the default one when left out.

    Raises:
        ModelFileError: the file is damaged or is not an ML program.
        UnsupportedOpError: an operation is refused, with its name, location and reason.
    """

    def __init__(
        self, path: Path | str | ModelFile, precision: Precision = "declared", function_name: str | None = None
    ) -> None:
        if precision not in ("declared", "float32"):
            raise ValueError(f"precision {precision!r} is neither 'declared' nor 'float32'")
        file = path if isinstance(path, ModelFile) else read_model_file(path)
        program = load_program(file)
        self.path = file.path
        self.precision = precision
        self.function_name = default_function(file, program, function_name)
        function = program.functions[self.function_name]
        description = _description(file.specification, self.function_name)
        self.inputs: list[Feature] = features(description.input)
        self.outputs: list[Feature] = features(description.output)
        self._variables = dict(function.inputs)
        self._states = [name for name in self._variables if name not in {one.name for one in self.inputs}]
        self._function = function
        self._plan = Plan(function, self.function_name, precision)
        self._plans: dict[int, Plan | None] = {}
        self.classifier: Classifier | None = classifier_of(function)
        self.scalars: frozenset[str] = scalars_of(function)

    @property
    def input_description(self) -> dict[str, Feature]:
        """The inputs by name."""
        return {feature.name: feature for feature in self.inputs}

    @property
    def states(self) -> Sequence[str]:
        """Names of the buffers that it keeps; none for most models."""
        return self._states

    def weights(self) -> dict[str, np.ndarray[Any, Any]]:
        """The constant ``weight`` of every operation that has one, decompressed, by the operation's output name."""
        return {name: value.numpy() for name, value in self._plan.weights().items()}

    def make_state(self) -> State:
        """Buffers of zeros for a stateful model."""
        slots = {}
        for name in self._states:
            tensor_type = self._variables[name].sym_type.wrapped_type()
            shape = [int(length) for length in tensor_type.get_shape()]
            slots[name] = StateSlot(torch.zeros(shape))
        return State(slots)

    def predict(
        self, data: Mapping[str, Any], state: State | None = None, observer: Observer | None = None
    ) -> dict[str, Any]:
        """Outputs by name, for inputs by name; as `coremltools.models.MLModel.predict`.

        Args:
            data: numpy arrays, or PIL images for image inputs, whose size and mode must be the model's.
            state: buffers from `make_state`, for a stateful model; they are changed.
            observer: called with the value of every input, then of every operation's output, in order.

        Returns:
            numpy arrays in the dtype that the model describes (float16 ones as float32 in precision ``float32``); PIL
            images; for a classifier the label, and a dictionary of probabilities.

        Raises:
            ModelInputError: an input has a wrong name, shape or dtype, or the state is missing.
            EvaluationError: an operation failed on the values that reached it.
        """
        tensors = self._tensors(data)
        _show(tensors, observer)
        return self._results(self._plan.run({**tensors, **self._buffers(state)}, observer))

    def predictions(
        self, batch: Iterable[Mapping[str, Any]], observer: Observer | None = None
    ) -> Iterator[dict[str, Any]]:
        """`predict` for each of `batch`, in order, several at once where the program allows it; each has its own state.

        The observer then sees values of several examples, stacked along axis 0.
        """
        examples = iter(batch)
        while group := list(itertools.islice(examples, self.together)):
            yield from self.predict_together(group, observer)

    def predict_together(
        self, group: Sequence[Mapping[str, Any]], observer: Observer | None = None
    ) -> list[dict[str, Any]]:
        """`predictions` of a few examples, in one evaluation where the program and their shapes allow it."""
        tensors = [self._tensors(data) for data in group] if self.together > 1 < len(group) else []
        plan = self._plan_for(len(group)) if tensors and _alike(tensors) else None
        if plan is None:
            return [self.predict(data, self.make_state() if self._states else None, observer) for data in group]
        stacked = {name: torch.cat([one[name] for one in tensors]) for name in tensors[0]}
        _show(stacked, observer)
        results = plan.run(stacked, observer)
        rows = ({name: value[place : place + 1] for name, value in results.items()} for place in range(len(group)))
        return [self._results(row) for row in rows]

    @functools.cached_property
    def together(self) -> int:
        """How many examples are best evaluated at once; 1 where the program cannot take more."""
        if self._states or not all(one.kind in ("array", "image") for one in (*self.inputs, *self.outputs)):
            return 1
        if any(one.allowed or one.ranges for one in self.inputs):  # how large its values are is not known
            return 1
        size = max(1, min(_LARGEST_BATCH, _BATCH_ELEMENTS // largest_value(self._function)))
        return size if size > 1 and self._plan_for(size) is not None else 1

    def _plan_for(self, size: int) -> Plan | None:
        """A plan for `size` examples at once; None when the program cannot take them so."""
        if size not in self._plans:
            changes = plan_batch(self._function, size)
            settings = self._function, self.function_name, self.precision
            self._plans[size] = None if changes is None else Plan(*settings, changes, self._plan)
        return self._plans[size]

    def _tensors(self, data: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        known = self.input_description
        unknown = sorted(set(data) - set(known))
        missing = sorted(name for name, one in known.items() if name not in data and not one.optional)
        if unknown or missing:
            parts = [f"the model has no input {', '.join(map(repr, unknown))}"] if unknown else []
            parts += [f"input {', '.join(map(repr, missing))} is missing"] if missing else []
            raise ModelInputError(f"{'; '.join(parts)}. Its inputs are: {', '.join(map(repr, known))}")
        rounds = self.precision == "declared"
        tensors = {}
        for name, feature in known.items():
            wanted = declared(self._variables[name])
            assert wanted is not None
            if name in data:
                tensors[name] = to_input(feature, data[name], wanted, rounds)
            else:
                tensors[name] = torch.full(feature.shape, feature.default, dtype=wanted.storage)
            if self._variables[name].rank == 0:
                tensors[name] = tensors[name].reshape(())
        return tensors

    def _buffers(self, state: State | None) -> dict[str, StateSlot]:
        if not self._states:
            return {}
        if state is None:
            raise ModelInputError(f"{self.path} is stateful: pass state=model.make_state()")
        return state.slots

    def _results(self, values: dict[str, Any]) -> dict[str, Any]:
        rounds = self.precision == "declared"
        known = [feature for feature in self.outputs if feature.name in values]
        return {feature.name: to_output(feature, values[feature.name], rounds) for feature in known}


def _show(inputs: Mapping[str, torch.Tensor], observer: Observer | None) -> None:
    if observer is not None:
        for name, value in inputs.items():
            observer(Observation(name, "input", f"input {name!r}", value))


def _alike(examples: list[dict[str, torch.Tensor]]) -> bool:
    """Whether all examples have the same shapes, each with one example in axis 0."""
    shapes = {tuple((name, tuple(value.shape)) for name, value in one.items()) for one in examples}
    return len(shapes) == 1 and all(shape[:1] == (1,) for _, shape in next(iter(shapes)))


def _description(specification: Any, function_name: str) -> Any:
    for function in specification.description.functions:
        if function.name == function_name:
            return function
    return specification.description
