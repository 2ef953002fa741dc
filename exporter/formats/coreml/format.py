"""Core ML as a format: ML programs in packages, for Apple systems."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from device_harness.runners.documents import DocumentRunner
from exporter.data.facts.advice import Advice
from exporter.data.facts.artifact import FileFacts
from exporter.data.facts.checks import OperatorCheck
from exporter.data.facts.inspection import Inspection
from exporter.data.facts.layers import Layers
from exporter.data.facts.source import SourceDescription, SourceKind
from exporter.execution.heavy import need
from exporter.formats.artifact_runner import Answered, ArtifactRunner
from exporter.formats.common.deciding import settings_that_decide
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.common.preprocessing import preprocessing_problem
from exporter.formats.coreml.compile import compile_on_mac
from exporter.formats.coreml.inspection.file_facts import file_facts
from exporter.formats.coreml.inspection.structure import check_coreml
from exporter.formats.coreml.settings import CoremlQuantization, CoremlRoute, CoremlTarget
from exporter.formats.coreml.shapes import pictures_problem, shapes_problem
from exporter.formats.coreml.states import states_problem
from exporter.formats.coreml.variants import variants
from exporter.formats.devices import DeviceSupport
from exporter.formats.format import Accelerator, Converter, Origin
from exporter.formats.handoff import HandoffSupport
from exporter.formats.packing import Compilation, Packing
from exporter.formats.variants import Variant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.formats.common.tracing.graph import SourceGraph

_REFERENCE, _NATIVE = "reference", "coreml"
_ACCELERATORS: dict[str, Accelerator] = {"all": "any", "cpu_only": "cpu", "cpu_and_gpu": "gpu", "cpu_and_ne": "npu"}
_COMPILATION = Compilation(
    suffix=".mlmodelc",
    unshipped=("Manifest.json",),
    program=".mlmodel",
    records=3,  # coremldata.bin, analytics/coremldata.bin, metadata.json
    record_bytes=2048,
    words="of the compiled model (.mlmodelc) that Xcode ships: the weights as they are, "
    "the program as text taken to be as long as the package's .mlmodel; on a Mac it is measured",
    compile=compile_on_mac,
)

_FLOAT16 = (
    "float16 ends at 65504: keep the operation that overflows in float32, with "
    'quantization.rules = [{ op_name = "LAYER", precision = "float32" }], or set precision = "float32"'
)


def _exceptions(quantization: CoremlQuantization) -> Iterator[str]:
    """What a rule sets so that a layer has none of the losses that the target asks for."""
    if quantization.precision == "float16":
        yield 'precision = "float32"'
    for name in ("weights", "sparsity", "activations"):
        if getattr(quantization, name) is not None:
            yield f'{name} = "none"'


class _Coreml:
    name = "coreml"
    title = "Core ML"
    suffixes = (".mlpackage", ".mlmodel")
    file_name = "Model.mlpackage"
    twin_name = "Twin.mlpackage"
    target_type = CoremlTarget
    newest_os = "iOS 26"
    libraries = ("coremltools", "scikit-learn")
    routes = get_args(CoremlRoute)
    packing = Packing(folders=(".mlpackage",), codec="lzfse", compilation=_COMPILATION)

    def refuse(self, target: CoremlTarget, source: SourceDescription) -> str | None:
        if source.kind is not SourceKind.ONNX:
            problem = preprocessing_problem(target, source) or pictures_problem(target, source.inputs)
            return problem or states_problem(target, source) or shapes_problem(target, source.inputs)
        return (
            "an ONNX model cannot become Core ML (coremltools dropped ONNX). "
            "Give the PyTorch model: a factory, a .pt2 or a TorchScript file."
        )

    def decides(self, target: CoremlTarget) -> Mapping[str, Any]:
        return {**settings_that_decide(target), "generation": target.generation}

    def advice(self, target: CoremlTarget) -> Advice:
        quantization = target.quantization
        words = {"on_overflow": _FLOAT16} if quantization.precision == "float16" else {}
        return Advice(
            compresses=bool(quantization.methods() or quantization.activations),
            keep_float='rules of precision = "float32" and activations = "none" for concat',
            keep_layer=", ".join(_exceptions(quantization)),
            **words,
        )

    def accelerator(self, target: CoremlTarget) -> Accelerator:
        return _ACCELERATORS[target.compute_units]

    def check(self, graph: "SourceGraph", target: CoremlTarget) -> OperatorCheck:
        need("coremltools")
        from exporter.formats.coreml.check.operators import check

        return check(graph, target)

    def converter(self, graph: "SourceGraph") -> Converter:
        from exporter.formats.coreml.conversion.converter import CoremlConverter

        return CoremlConverter(graph)

    def in_float(self, target: CoremlTarget) -> CoremlTarget:
        return target.model_copy(
            update={
                "quantization": CoremlQuantization(precision="float32"),
                "input_kind": "tensor",
                "preprocessing": "none",
                "route": "",
            }
        )

    def variants(self, target: CoremlTarget) -> Sequence[Variant]:
        return variants(target)

    def postprocess(self, target: CoremlTarget, path: Path, out: Path, asked: Postprocessing) -> None:
        from exporter.formats.coreml.postprocessing.postprocess import postprocess

        postprocess(target, path, out, asked)

    def check_whole(self, path: Path) -> None:
        check_coreml(path)

    def inspect(self, path: Path) -> Inspection:
        need("coremltools")
        from exporter.formats.coreml.inspection.reader import inspect_coreml

        return inspect_coreml(path)

    def file_facts(self, path: Path) -> FileFacts:
        return file_facts(path)

    def evaluators(self) -> tuple[str, ...]:
        return (_REFERENCE, _NATIVE) if sys.platform == "darwin" else (_REFERENCE,)

    def evaluator(self, name: str, path: Path, origin: Origin) -> ArtifactRunner:
        from exporter.formats.coreml.runner import CoremlRunner

        return CoremlRunner(
            path,
            origin.description,
            native=name == _NATIVE,
            output_shapes=origin.output_shapes,
            labels_given=origin.labels_given,
        )

    def layers(self, path: Path, origin: Origin, module: Any, example: "Sequence[NDArray[Any]]") -> Layers:
        from exporter.formats.coreml.runner import compare_with_module

        return compare_with_module(path, origin, module, example)

    @property
    def devices(self) -> DeviceSupport:
        from exporter.formats.coreml.devices import DEVICES

        return DEVICES

    @property
    def handoff(self) -> HandoffSupport:
        from exporter.formats.coreml.handoff.support import SUPPORT

        return SUPPORT

    def answered(self, path: Path, origin: Origin) -> Answered | None:
        return None

    def host_runner(self) -> DocumentRunner | None:
        """None: `run` measures Core ML on devices alone."""
        return None


FORMAT = _Coreml()
