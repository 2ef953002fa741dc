"""Runs a Core ML model in the reference evaluator, or in Core ML itself on a Mac, as its source would be run."""

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from exporter.data.facts.layers import Layers
from exporter.data.facts.source import SourceDescription
from exporter.datasets.images import whole_pixels
from exporter.formats.artifact_runner import Call
from exporter.formats.common.ports import Pairing, Port, Shapes, all_named, source_outputs, source_port
from exporter.formats.coreml.class_order import class_order
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.examples import core_ml_value, from_core_ml
from exporter.formats.coreml.postprocessing.detections import detections
from exporter.formats.coreml.reference import ReferenceModel
from exporter.formats.coreml.reference.classifier import classifier_of, read_function, scalars_of
from exporter.formats.coreml.reference.features import features
from exporter.formats.coreml.reference.layers import compare_layers
from exporter.formats.coreml.reference.pipeline import read_pipeline
from exporter.formats.coreml.reference.steps import Precision
from exporter.formats.coreml.states import Kept
from exporter.formats.files import check_whole
from exporter.formats.format import Origin

Arrays = Sequence[NDArray[Any]]
_REFERENCE = "Core ML reference evaluator"


class CoremlRunner:
    """A Core ML artifact, evaluated by the reference evaluator, or by Core ML itself on a Mac.

    Args:
        path: of an .mlpackage or .mlmodel that anyone made.
        description: of the source.
        native: whether Core ML runs it.
        output_shapes: of the source, for outputs whose names do not tell which is which.
        labels_given: whether the user gave the labels, so that they must be the artifact's.
        precision: of the evaluator (`ReferenceModel`).

    Raises:
        UsageProblem: the file is damaged, or its inputs, outputs or labels are not the source's.
    """

    def __init__(
        self,
        path: Path,
        description: SourceDescription,
        *,
        native: bool = False,
        output_shapes: Shapes | None = None,
        labels_given: bool = False,
        precision: Precision = "declared",
    ) -> None:
        check_whole(path)
        self.path = path
        pipeline = read_pipeline(path)
        states: Sequence[str] = ()
        if pipeline is not None:
            self.model: Any = detections(path, pipeline, _picture_size(description), None if native else precision)
            self.name = "Core ML" if native else _REFERENCE
            self._inputs, self._outputs = self.model.inputs, self.model.outputs
            self.classifier, self._scalars = self.model.classifier, self.model.scalars
        elif native:
            self.model = load_coremltools().models.MLModel(str(path))
            self.name = "Core ML"
            interface = self.model.get_spec().description
            self._inputs, self._outputs = features(interface.input), features(interface.output)
            function = read_function(path)
            self.classifier, self._scalars = classifier_of(function), scalars_of(function)
            states = [feature.name for feature in interface.state]
        else:
            self.model = ReferenceModel(path, precision)
            self.name = _REFERENCE
            self._inputs, self._outputs = self.model.inputs, self.model.outputs
            self.classifier, self._scalars = self.model.classifier, self.model.scalars
            states = self.model.states
        self.states = Kept.of(path, self.model, states, description)
        self.whole, self.description = description, self.states.outside
        self._native = native
        self._one_at_a_time = threading.Lock()
        self._shapes = output_shapes
        self.order = []
        if self.classifier is not None:
            self.order = class_order(path, self.classifier.labels, description.labels, labels_given)
        self._inputs_of_source = self._match_inputs()

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of one; a model with states begins with those that are given."""
        return self.step(inputs, self.states.holding(inputs))

    def begin(self) -> "Call":
        """What runs one sequence: a model with states keeps them from call to call, whatever it is given for them."""
        return partial(self.step, state=self.states.empty())

    def step(self, inputs: Arrays, state: Any) -> list[NDArray[Any]]:
        """Outputs for a batch of one, as the source gives them, from and to `state`."""
        results = self._in_order(self._predict(inputs, state))
        return self.states.beside(results, state)

    @property
    def together(self) -> int:
        """How many batches of one it is best given at once; Core ML itself takes one."""
        return 1 if self._native else self.model.together

    def many(self, batches: Sequence[Arrays]) -> list[list[NDArray[Any]]]:
        """Outputs for each batch of one."""
        if len(batches) == 1 or self.together == 1:
            return [self(inputs) for inputs in batches]
        found = self.model.predict_together([self.features(inputs) for inputs in batches])
        return [self._in_order(self._arrays(results)) for results in found]

    def _in_order(self, results: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
        return [results[name] for name in self._result_names]

    @property
    def takes_pictures(self) -> bool:
        """Whether an input is an image, which holds whole pixels."""
        return any(feature.kind == "image" for feature in self._inputs)

    def held(self, inputs: Arrays) -> Arrays:
        """A batch as the artifact can hold it: whole pixels where it takes pictures."""
        if not self.takes_pictures:
            return inputs
        pairs = zip(inputs, self.whole.inputs, strict=True)
        return [value if spec.image is None else whole_pixels(value, spec) for value, spec in pairs]

    def features(self, inputs: Arrays) -> dict[str, Any]:
        """A batch of one as ``MLModel.predict`` takes it, by the artifact's names."""
        given = self.states.given(inputs)
        pairs = zip(self._inputs_of_source, self.description.inputs, given, strict=True)
        return {feature.name: core_ml_value(value, spec, feature) for feature, spec, value in pairs if feature}

    def _match_inputs(self) -> list[Any]:
        source = [source_port(spec) for spec in self.description.inputs]
        names = {spec.name for spec in self.description.inputs}
        features = [feature for feature in self._inputs if not feature.optional or feature.name in names]
        places = Pairing(self.path, "input").match(source, [_coreml_port(feature) for feature in features])
        return [features[place] if place >= 0 else None for place in places]

    @cached_property
    def _result_names(self) -> list[str]:
        """The artifact's name of each of the source's outputs."""
        known = [feature for feature in self._outputs if feature.kind != "label"]
        ports = [_coreml_port(feature) for feature in known]
        if self._shapes is not None and len(known) > 1 and not all_named(self.description.outputs, ports):
            zeros = [np.zeros(spec.shape, spec.dtype) for spec in self.whole.inputs]
            results = self._predict(zeros, self.states.empty())
            ports = [Port(port.names, results[port.names[0]].shape, port.dtype) for port in ports]
        wanted = source_outputs(self.description, ports, self._shapes)
        return [known[place].name for place in Pairing(self.path, "output").match(wanted, ports)]

    def _predict(self, inputs: Arrays, state: Any) -> dict[str, NDArray[Any]]:
        """Every output as an array, class scores in the order of the source's classes."""
        scores: list[float] = []
        watch = self.classifier.scores if self.classifier is not None and not self._native else None

        def observe(seen: Any) -> None:
            if seen.name == watch:
                scores[:] = seen.value.reshape(-1).tolist()

        observer = () if watch is None else (observe,)
        return self._arrays(self._run(self.features(inputs), state, *observer), scores)

    def _run(self, features: dict[str, Any], state: Any, *observer: Any) -> dict[str, Any]:
        """One prediction; Core ML itself makes one at a time."""
        with self._one_at_a_time if self._native else nullcontext():
            results: dict[str, Any] = self.model.predict(features, state, *observer)
        return results

    def _arrays(self, results: dict[str, Any], scores: Sequence[float] = ()) -> dict[str, NDArray[Any]]:
        """Every output of one prediction but the class itself."""
        kinds = {feature.name: feature for feature in self._outputs}
        arrays = {
            name: self._ordered(value, scores) if isinstance(value, dict) else from_core_ml(value, kinds[name])
            for name, value in results.items()
            if kinds[name].kind != "label"
        }
        # The dictionary of class scores is a value of no rank, and no scalar.
        return {
            name: value.reshape(()) if name in self._scalars and value.size == 1 else value
            for name, value in arrays.items()
        }

    def _ordered(self, found: dict[Any, float], scores: Sequence[float]) -> NDArray[Any]:
        """Class scores as the source gives them. Two classes of one label share a key: positions tell them apart."""
        assert self.classifier is not None
        values = scores or [found[label] for label in self.classifier.labels]
        return np.asarray([[values[place] for place in self.order]], np.float32)


def _picture_size(description: SourceDescription) -> tuple[int, int] | None:
    """Width and height of the first image input."""
    for spec in description.inputs:
        if spec.image is not None:
            height, width = spec.height_width
            return width, height
    return None


def _coreml_port(feature: Any) -> Port:
    text = f"image {feature.colour}" if feature.kind == "image" else ""
    dtype = feature.dtype.array.__name__ if feature.dtype is not None else "float32"
    return Port((feature.name,), feature.flexible_shape(), dtype, text)


def compare_with_module(path: Path, origin: Origin, module: Any, example: Sequence[NDArray[Any]]) -> Layers:
    """Every call of a module that is found in the artifact, on one example; the model itself is the last."""
    runner = CoremlRunner(path, origin.description, output_shapes=origin.output_shapes)
    same = runner.states.at_start(runner.held(example))
    arguments = [torch.from_numpy(value) for value in same]
    outputs = dict(zip(origin.description.outputs, runner(same), strict=True))
    return compare_layers(runner.model, runner.features(same), module, arguments, outputs)
