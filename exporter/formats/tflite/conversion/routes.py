"""The ways from ONNX to TFLite, and the choice of the first that computes what the source computes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec
from exporter.formats.common.refusals import RefusedError, refusal
from exporter.formats.common.routes import LEAST_SNR_DB, Route, Taken, first_right, least_snr, only
from exporter.formats.common.tracing.graph import Example, OnnxForm
from exporter.formats.common.tracing.onnx_graph import run_onnx
from exporter.formats.common.trials import Trial, least_over
from exporter.formats.tflite.conversion.blame import blame
from exporter.formats.tflite.conversion.builders.direct import direct
from exporter.formats.tflite.conversion.check import run_float
from exporter.formats.tflite.conversion.opened import opened
from exporter.formats.tflite.conversion.usable import usable
from exporter.formats.tflite.settings import Builder

Build = Callable[[Any], bytes]


@dataclass(frozen=True)
class FloatModel:
    """A model without compression.

    Attributes:
        content: the float32 flatbuffer.
        onnx_model: what it was made from.
        build: made it of that.
    """

    content: bytes
    onnx_model: Any
    build: Build


@dataclass(frozen=True)
class Conversion:
    """What decides a float32 flatbuffer.

    Attributes:
        onnx_forms: give the source as ONNX; simplified, image inputs NCHW.
        inputs: of the source.
        layout: of image inputs and four-dimensional outputs of the result, ``NHWC`` or ``NCHW``.
        trials: one example of every shape that is tried as the ONNX model takes it, with the batch dimension, and what
            the source gives for it; no two axes of the first are alike.
    """

    onnx_forms: Mapping[OnnxForm, Callable[[], Any]]
    inputs: Sequence[InputSpec]
    layout: str
    trials: Sequence[Trial]

    @property
    def sample(self) -> Example:
        """The example of the first trial."""
        return self.trials[0].sample

    @property
    def named(self) -> dict[str, NDArray[Any]]:
        """The sample by input name."""
        return {spec.name: value for spec, value in zip(self.inputs, self.sample, strict=True)}

    def float_model(self, route: str, builders: Sequence[Builder]) -> Taken[bytes]:
        """The float32 flatbuffer of the first route that is right on the sample, else of the one that is least wrong.

        Args:
            route: the only one to take; empty for all.
            builders: those that routes may end with.

        Raises:
            UsageProblem: there is no such route from this source.
            ToolError: no route converts the model.
        """
        routes = only(self._routes(builders), route)
        taken = first_right(routes, self._snr_of, "a TFLite model", blame=self._blamed)
        return Taken(taken.route, taken.model.content, taken.snr_db, taken.least_db, taken.notes)

    def _routes(self, builders: Sequence[Builder]) -> Iterator[Route[FloatModel]]:
        builds: dict[Builder, Build] = {
            "direct": partial(direct, inputs=self.inputs, layout=self.layout),
            "exact": self._exact,
            "tensorflow": self._through_tensorflow,
        }
        for form, make in self.onnx_forms.items():
            for builder in builders:
                name, build = f"{form}+{builder}", self._opened(builds[builder])
                yield Route(name, partial(_built, name, make, build))

    def _exact(self, onnx_model: Any) -> bytes:
        from exporter.formats.tflite.conversion.builders.exact import exact

        return exact(onnx_model, self.inputs, self.layout, self.sample)

    def _through_tensorflow(self, onnx_model: Any) -> bytes:
        from exporter.formats.tflite.conversion.builders.onnx2tf import through_tensorflow

        wanted = run_onnx(onnx_model, self.named)
        return through_tensorflow(onnx_model, self.inputs, self.layout, self.sample, wanted)

    def _opened(self, build: Build) -> Build:
        return lambda onnx_model: opened(build(onnx_model), self.inputs, self.layout, self.trials)

    def _snr_of(self, model: FloatModel) -> float:
        return self._least_on(model, self.trials)

    def _least_on(self, model: FloatModel, trials: Sequence[Trial]) -> float:
        return least_over(trials, lambda trial: run_float(model.content, self.inputs, trial.sample, self.layout))

    def _blamed(self, model: FloatModel) -> str:
        def snr_of_part(part: Any, wanted: Sequence[NDArray[Any]]) -> float:
            try:
                content = _built("", lambda: part, model.build).content
                return least_snr(run_float(content, self.inputs, self.sample, self.layout), wanted)
            except ToolError:
                return -np.inf  # an intermediate result of a wrong shape, for example

        if len(self.trials) > 1:  # parts of it have outputs of their own, whose open dimensions nothing tells
            right = self._least_on(model, self.trials[:1]) >= LEAST_SNR_DB
            return "It is right on its largest shapes alone" if right else ""
        return blame(model.onnx_model, self.named, self.trials[0].expected, snr_of_part)


def _built(route: str, make: Callable[[], Any], build: Build) -> FloatModel:
    onnx_model = make()
    try:
        return FloatModel(usable(build(onnx_model), route, onnx_model), onnx_model, build)
    except ToolError:
        raise
    except Exception as error:
        raise unforeseen(route, error) from error


def unforeseen(route: str, error: Exception) -> RefusedError:
    """The refusal of a route whose libraries raised anything."""
    return refusal(route, "", "", f"{type(error).__name__}: {error}")
