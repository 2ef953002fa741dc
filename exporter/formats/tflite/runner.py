"""Runs a TFLite file in LiteRT, as its source would be run."""

import importlib.metadata
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError, first_line
from exporter.data.facts.pictures import Picture
from exporter.data.facts.source import InputSpec, SourceDescription
from exporter.datasets.images import pixels_of, whole_pixels
from exporter.datasets.layout import arranged, dequantized, fits_exactly, is_quantized, quantized, whole
from exporter.execution.forked import fatal_signal
from exporter.execution.heavy import load, quiet
from exporter.formats.common.one_by_one import OneByOne
from exporter.formats.common.ports import Pairing, Port, Shape, Shapes, source_outputs, source_port
from exporter.formats.files import check_whole
from exporter.formats.tflite.inspection.file_facts import file_pictures

Arrays = Sequence[NDArray[Any]]
Given = Sequence[tuple[dict[str, Any], NDArray[Any]]]
"""LiteRT's descriptions of inputs, with their values."""


class LiteRTRunner(OneByOne):
    """A TFLite artifact, one example at a time, with quantized inputs and outputs converted as an app would.

    Args:
        path: of a .tflite that anyone made.
        description: of the source.
        threads: of LiteRT.
        output_shapes: of the source, for outputs whose names do not tell which is which.
        every_tensor: keep the values between operators, which LiteRT's own kernels compute then, without XNNPACK.

    Raises:
        UsageProblem: the file is damaged, or its inputs and outputs are not the source's.
        ToolError: LiteRT cannot load it.
    """

    def __init__(
        self,
        path: Path,
        description: SourceDescription,
        threads: int = 2,
        output_shapes: Shapes | None = None,
        *,
        every_tensor: bool = False,
    ) -> None:
        check_whole(path)
        interpreter = load("ai_edge_litert.interpreter")
        self.path, self.description = path, description
        self._one_at_a_time = threading.Lock()
        kept = _keeping(interpreter) if every_tensor else {}

        def loaded() -> Any:
            with quiet():
                model = interpreter.Interpreter(str(path), num_threads=threads, **kept)
                model.allocate_tensors()
            return model

        if ended := fatal_signal(loaded):
            raise ToolError(f"{path} ends the process that loads it in LiteRT: {ended}")
        try:
            self.model = loaded()
        except (ValueError, RuntimeError) as error:
            raise ToolError(f"{path} does not load in LiteRT: {first_line(error)}") from error
        details, self._named = self.model.get_input_details(), self._signature_names()
        self._pictures = file_pictures(path)
        ports = [_litert_port(detail, self._named) for detail in details]
        places = Pairing(path, "input").match([source_port(spec) for spec in description.inputs], ports)
        self.inputs = [details[place] if place >= 0 else None for place in places]
        details = self.model.get_output_details()
        ports = [_litert_port(detail, self._named) for detail in details]
        wanted = source_outputs(description, ports, output_shapes)
        self.outputs = [details[place] for place in Pairing(path, "output").match(wanted, ports)]
        self.name = f"LiteRT {importlib.metadata.version('ai-edge-litert')}"

    @property
    def takes_pictures(self) -> bool:
        """Whether an image input takes bytes, which hold whole pixels."""
        pairs = zip(self.description.inputs, self.inputs, strict=True)
        return any(detail is not None and self._takes_bytes(spec, detail) for spec, detail in pairs)

    def held(self, inputs: Arrays) -> list[NDArray[Any]]:
        """A batch as the artifact can hold it: whole pixels where it takes bytes."""
        triples = zip(inputs, self.description.inputs, self.inputs, strict=True)
        return [
            whole_pixels(value, spec) if detail is not None and self._takes_bytes(spec, detail) else value
            for value, spec, detail in triples
        ]

    def _takes_bytes(self, spec: InputSpec, detail: dict[str, Any]) -> bool:
        """Whether an image input takes pixels as bytes: the file says so, or they stand for no other numbers."""
        picture = self._picture(detail)
        says = picture is not None and picture.takes_pixels
        return np.dtype(detail["dtype"]) == np.uint8 and (says or not is_quantized(detail)) and spec.image is not None

    def _picture(self, detail: dict[str, Any]) -> Picture | None:
        return next((self._pictures[name] for name in _names(detail, self._named) if name in self._pictures), None)

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of the artifact's size."""
        with self._one_at_a_time:
            found = self._invoke(self._given(inputs))
        return [dequantized(value, detail) for value, detail in zip(found, self.outputs, strict=True)]

    def _given(self, inputs: Arrays) -> Given:
        """The artifact's own inputs."""
        pairs = zip(self.description.inputs, self.inputs, inputs, strict=True)
        return [(detail, self._fitted(value, spec, detail)) for spec, detail, value in pairs if detail is not None]

    def _invoke(self, given: Given) -> list[NDArray[Any]]:
        """The artifact's own outputs."""
        self._resize(given)
        try:
            for detail, value in given:
                self.model.set_tensor(detail["index"], value)
            self.model.invoke()
        except (ValueError, RuntimeError) as error:
            raise ToolError(f"{self.path} does not run in LiteRT: {first_line(error)}") from error
        return [self.model.get_tensor(detail["index"]) for detail in self.outputs]

    @cached_property
    def tensors(self) -> list[dict[str, Any]]:
        """LiteRT's description of every tensor of the main graph, by its index."""
        return list(self.model.get_tensor_details())

    def value(self, index: int) -> NDArray[Any] | None:
        """What a tensor stands for after a run; None where it has no value, or none that numpy holds."""
        try:
            return dequantized(self.model.get_tensor(index), self.tensors[index])
        except ValueError:
            return None

    def is_quantized(self, index: int) -> bool:
        """Whether a tensor's integers stand for real numbers."""
        return is_quantized(self.tensors[index])

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
        pixels = self._takes_bytes(spec, detail)
        if pixels:
            picture = self._picture(detail)
            value = pixels_of(value, spec, None if picture is None else picture.color)
        value = arranged(value, spec, shape)
        if not fits_exactly(value.shape, shape):
            raise ToolError(
                f"{self.path}: input {detail['name']} takes {list(shape)} and was given {list(value.shape)} "
                f"for the source's {spec.name}."
            )
        if is_quantized(detail) and not pixels:
            return quantized(value.astype(np.float32), detail)
        return value.astype(kind) if kind.kind in "fc" else whole(value, detail["dtype"], detail["name"])

    def _resize(self, given: Given) -> None:
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


def _keeping(interpreter: Any) -> dict[str, Any]:
    """Options of LiteRT's interpreter."""
    resolver = interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return {"experimental_preserve_all_tensors": True, "experimental_op_resolver_type": resolver}


def _litert_port(detail: dict[str, Any], names: dict[int, list[str]]) -> Port:
    dtype = "float32" if is_quantized(detail) else np.dtype(detail["dtype"]).name
    return Port(_names(detail, names), _litert_shape(detail), dtype)


def _names(detail: dict[str, Any], names: dict[int, list[str]]) -> tuple[str, ...]:
    """Of signatures, and the tensor's own."""
    return (*names.get(int(detail["index"]), ()), detail["name"])


def _litert_shape(detail: dict[str, Any]) -> Shape:
    signature = detail["shape_signature"]
    return tuple(map(int, signature if len(signature) else detail["shape"]))
