"""What runs a model on one batch: torch, onnxruntime, LiteRT, the Core ML reference evaluator, Core ML itself.

Every runner takes arrays as the source takes them (its layout, normalized) and gives arrays as the source gives them.
"""

import importlib.metadata
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError, first_line
from exporter.data.source import InputSpec, SourceDescription
from exporter.datasets.images import denormalize
from exporter.datasets.layout import arranged, dequantized, fits_exactly, is_quantized, quantized, whole
from exporter.execution.heavy import load, load_coremltools, load_torch, quiet
from exporter.formats.common.whole import check_whole
from exporter.formats.coreml.class_order import class_order
from exporter.formats.coreml.examples import core_ml_value, from_core_ml
from exporter.verification.ports import Pairing, Port, Shape, Shapes

Arrays = Sequence[NDArray[Any]]


class Runner(Protocol):
    """Runs a model; `name` says what with."""

    name: str

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch."""


class TorchRunner:
    """The source itself."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.name = f"torch {load_torch().__version__}"

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of any size."""
        from exporter.sources.outputs import flatten

        torch = load_torch()
        with torch.inference_mode():
            results = flatten(self.module(*(torch.from_numpy(np.ascontiguousarray(value)) for value in inputs)))
        return [tensor.numpy() for tensor in results]


class OnnxRunner:
    """An ONNX source in onnxruntime."""

    def __init__(self, path: Path, description: SourceDescription) -> None:
        onnxruntime = load("onnxruntime")
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self.names = [spec.name for spec in description.inputs]
        self.name = f"onnxruntime {onnxruntime.__version__}"

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of the file's size."""
        return list(self.session.run(None, dict(zip(self.names, inputs, strict=True))))


class LiteRTRunner:
    """A TFLite artifact, one example at a time, with quantized inputs and outputs converted as an app would.

    Args:
        path: of a .tflite that anyone made.
        description: of the source.
        threads: of LiteRT.
        output_shapes: of the source, for outputs whose names do not tell which is which.

    Raises:
        UsageProblem: the file is damaged, or its inputs and outputs are not the source's.
        ToolError: LiteRT cannot load it.
    """

    def __init__(
        self, path: Path, description: SourceDescription, threads: int = 2, output_shapes: Shapes | None = None
    ) -> None:
        check_whole(path)
        interpreter = load("ai_edge_litert.interpreter")
        self.path, self.description = path, description
        try:
            with quiet():
                self.model = interpreter.Interpreter(str(path), num_threads=threads)
                self.model.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ToolError(f"{path} does not load in LiteRT: {first_line(error)}") from error
        details, names = self.model.get_input_details(), self._signature_names()
        ports = [_litert_port(detail, names) for detail in details]
        places = Pairing(path, "input").match([_source_port(spec) for spec in description.inputs], ports)
        self.inputs = [details[place] if place >= 0 else None for place in places]
        details = self.model.get_output_details()
        ports = [_litert_port(detail, names) for detail in details]
        wanted = source_outputs(description, ports, output_shapes)
        self.outputs = [details[place] for place in Pairing(path, "output").match(wanted, ports)]
        self.name = f"LiteRT {importlib.metadata.version('ai-edge-litert')}"

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of the artifact's size."""
        pairs = zip(self.description.inputs, self.inputs, inputs, strict=True)
        given = [(detail, self._fitted(value, spec, detail)) for spec, detail, value in pairs if detail is not None]
        self._resize(given)
        try:
            for detail, value in given:
                self.model.set_tensor(detail["index"], value)
            self.model.invoke()
        except (ValueError, RuntimeError) as error:
            raise ToolError(f"{self.path} does not run in LiteRT: {first_line(error)}") from error
        return [dequantized(self.model.get_tensor(detail["index"]), detail) for detail in self.outputs]

    def _signature_names(self) -> dict[int, list[str]]:
        """Names that the file's signatures give to its tensors, by index; those of other subgraphs are left out."""
        names: dict[int, list[str]] = {}
        own = {int(detail["index"]) for detail in [*self.model.get_input_details(), *self.model.get_output_details()]}
        for key in self.model.get_signature_list():
            runner = self.model.get_signature_runner(key)
            found = [*runner.get_input_details().items(), *runner.get_output_details().items()]
            if {int(detail["index"]) for _, detail in found} == own:
                for name, detail in found:
                    names.setdefault(int(detail["index"]), []).append(name)
        return names

    def _fitted(self, value: NDArray[Any], spec: InputSpec, detail: dict[str, Any]) -> NDArray[Any]:
        """An input in the artifact's layout and element type."""
        kind, shape = np.dtype(detail["dtype"]), _litert_shape(detail)
        if kind == np.uint8 and not is_quantized(detail) and spec.image is not None:
            pixels = np.stack([denormalize(example, spec) for example in value])
            value = np.moveaxis(pixels, -1, 1) if spec.layout == "NCHW" else pixels
        value = arranged(value, spec, shape)
        if not fits_exactly(value.shape, shape):
            raise ToolError(
                f"{self.path}: input {detail['name']} takes {list(shape)} and was given {list(value.shape)} "
                f"for the source's {spec.name}."
            )
        if is_quantized(detail):
            return quantized(value.astype(np.float32), detail)
        return value.astype(kind) if kind.kind in "fc" else whole(value, detail["dtype"], detail["name"])

    def _resize(self, given: Sequence[tuple[dict[str, Any], NDArray[Any]]]) -> None:
        """Fix the dimensions that the file leaves open."""
        now = {detail["index"]: tuple(map(int, detail["shape"])) for detail in self.model.get_input_details()}
        unlike = [(detail["index"], value.shape) for detail, value in given if now[detail["index"]] != value.shape]
        if not unlike:
            return
        try:
            for index, shape in unlike:
                self.model.resize_tensor_input(index, shape)
            self.model.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ToolError(f"{self.path} does not take inputs of this shape: {first_line(error)}") from error


class CoremlRunner:
    """A Core ML artifact, evaluated by the reference evaluator, or by Core ML itself on a Mac.

    Args:
        path: of an .mlpackage or .mlmodel that anyone made.
        description: of the source.
        native: whether Core ML runs it.
        output_shapes: of the source, for outputs whose names do not tell which is which.
        labels_given: whether the user gave the labels, so that they must be the artifact's.

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
    ) -> None:
        from exporter.formats.coreml.reference.classifier import classifier_of, read_function, scalars_of
        from exporter.formats.coreml.reference.features import features

        check_whole(path)
        self.path, self.description = path, description
        if native:
            self.model = load_coremltools().models.MLModel(str(path))
            self.name = "Core ML"
            interface = self.model.get_spec().description
            self._inputs, self._outputs = features(interface.input), features(interface.output)
            function = read_function(path)
            self.classifier, self._scalars = classifier_of(function), scalars_of(function)
        else:
            from exporter.formats.coreml.reference import ReferenceModel

            self.model = ReferenceModel(path)
            self.name = "Core ML reference evaluator"
            self._inputs, self._outputs = self.model.inputs, self.model.outputs
            self.classifier, self._scalars = self.model.classifier, self.model.scalars
        self._native = native
        self._shapes = output_shapes
        self.order = class_order(path, self.classifier.labels, description.labels, labels_given) if (
            self.classifier is not None) else []  # fmt: skip
        self._inputs_of_source = self._match_inputs()

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of one."""
        results = self._predict(inputs)
        return [results[name] for name in self._result_names]

    @property
    def takes_pictures(self) -> bool:
        """Whether an input is an image, which holds whole pixels."""
        return any(feature.kind == "image" for feature in self._inputs)

    def features(self, inputs: Arrays) -> dict[str, Any]:
        """A batch of one as ``MLModel.predict`` takes it, by the artifact's names."""
        pairs = zip(self._inputs_of_source, self.description.inputs, inputs, strict=True)
        return {feature.name: core_ml_value(value, spec, feature) for feature, spec, value in pairs if feature}

    def _match_inputs(self) -> list[Any]:
        source = [_source_port(spec) for spec in self.description.inputs]
        names = {spec.name for spec in self.description.inputs}
        features = [feature for feature in self._inputs if not feature.optional or feature.name in names]
        places = Pairing(self.path, "input").match(source, [_coreml_port(feature) for feature in features])
        return [features[place] if place >= 0 else None for place in places]

    @cached_property
    def _result_names(self) -> list[str]:
        """The artifact's name of each of the source's outputs."""
        known = [feature for feature in self._outputs if feature.kind != "label"]
        ports = [_coreml_port(feature) for feature in known]
        if self._shapes is not None and len(known) > 1 and not _all_named(self.description.outputs, ports):
            zeros = [np.zeros(spec.shape, spec.dtype) for spec in self.description.inputs]
            results = self._predict(zeros)
            ports = [Port(port.names, results[port.names[0]].shape, port.dtype) for port in ports]
        wanted = source_outputs(self.description, ports, self._shapes)
        return [known[place].name for place in Pairing(self.path, "output").match(wanted, ports)]

    def _predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Every output as an array, class scores in the order of the source's classes."""
        scores: list[float] = []
        watch = self.classifier.scores if self.classifier is not None and not self._native else None

        def observe(seen: Any) -> None:
            if seen.name == watch:
                scores[:] = seen.value.reshape(-1).tolist()

        observer = () if watch is None else (None, observe)
        results = self.model.predict(self.features(inputs), *observer)
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


def source_outputs(description: SourceDescription, artifact: Sequence[Port], shapes: Shapes | None) -> list[Port]:
    """The source's outputs; their shapes are asked for only where names do not tell which is which."""
    if len(artifact) < 2 or shapes is None or _all_named(description.outputs, artifact):
        return [Port((name,), None, "float32", "of the source") for name in description.outputs]
    return [Port((name,), shape, "float32") for name, shape in zip(description.outputs, shapes(), strict=True)]


def _all_named(names: Sequence[str], ports: Sequence[Port]) -> bool:
    return set(names) <= {name for port in ports for name in port.names}


def _source_port(spec: InputSpec) -> Port:
    return Port((spec.name,), spec.shape, spec.dtype)


def _litert_port(detail: dict[str, Any], names: dict[int, list[str]]) -> Port:
    dtype = "float32" if is_quantized(detail) else np.dtype(detail["dtype"]).name
    return Port((*names.get(int(detail["index"]), ()), detail["name"]), _litert_shape(detail), dtype)


def _litert_shape(detail: dict[str, Any]) -> Shape:
    signature = detail["shape_signature"]
    return tuple(map(int, signature if len(signature) else detail["shape"]))


def _coreml_port(feature: Any) -> Port:
    text = f"image {feature.colour}" if feature.kind == "image" else ""
    dtype = feature.dtype.array.__name__ if feature.dtype is not None else "float32"
    return Port((feature.name,), feature.flexible_shape(), dtype, text)
