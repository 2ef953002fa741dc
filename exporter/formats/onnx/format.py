"""ONNX as a format: files for ONNX Runtime, on Android and Apple systems."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from device_harness.runners.documents import DocumentRunner
from exporter.data.facts.advice import Advice
from exporter.data.facts.artifact import FileFacts
from exporter.data.facts.checks import OperatorCheck
from exporter.data.facts.inspection import Inspection
from exporter.data.facts.layers import Layers
from exporter.data.facts.source import SourceDescription
from exporter.execution.heavy import need
from exporter.formats.artifact_runner import Answered, ArtifactRunner
from exporter.formats.common.deciding import settings_that_decide
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.common.preprocessing import preprocessing_problem
from exporter.formats.devices import DeviceSupport
from exporter.formats.format import Accelerator, Converter, Origin
from exporter.formats.handoff import HandoffSupport
from exporter.formats.onnx.host import OnnxRuntimeInProcess
from exporter.formats.onnx.inspection.structure import check_onnx, files_beside
from exporter.formats.onnx.settings import OnnxQuantization, OnnxRoute, OnnxTarget
from exporter.formats.onnx.variants import variants
from exporter.formats.packing import Packing
from exporter.formats.variants import Variant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.formats.common.tracing.graph import SourceGraph

_SLOW = {
    "float16": "ONNX Runtime's CPU kernels compute float16 by way of float32 where the processor lacks it",
    "dynamic_int8": "activations are quantized anew in every operator",
}
_FLOAT16 = (
    "float16 ends at 65504: keep the operation that overflows in float32, with "
    'quantization.rules = [{ op_name = "LAYER" }], or set mode = "float32"'
)


class _Onnx:
    name = "onnx"
    title = "ONNX"
    suffixes = (".onnx",)
    file_name = "model.onnx"
    twin_name = "twin.onnx"
    target_type = OnnxTarget
    newest_os = "Android 16"
    libraries = ("onnx", "onnxruntime")
    routes = get_args(OnnxRoute)
    packing = Packing(beside=files_beside)

    def refuse(self, target: OnnxTarget, source: SourceDescription) -> str | None:
        return preprocessing_problem(target, source)

    def decides(self, target: OnnxTarget) -> Mapping[str, Any]:
        settings = settings_that_decide(target)
        del settings["minimum_runtime"]
        return {**settings, "opset": target.opset, "ir_version": target.ir_version}

    def advice(self, target: OnnxTarget) -> Advice:
        mode = target.quantization.mode
        words = {"on_overflow": _FLOAT16} if mode == "float16" else {}
        return Advice(
            compresses=mode != "float32",
            slow_because=_SLOW.get(mode, ""),
            keep_float='rules of keep = "float32" for Concat',
            keep_layer='keep = "float32"' if mode != "float32" else "",
            **words,
        )

    def accelerator(self, target: OnnxTarget) -> Accelerator:
        return "npu" if target.compute_units == "npu" else "cpu"

    def check(self, graph: "SourceGraph", target: OnnxTarget) -> OperatorCheck:
        need("onnx")
        need("onnxruntime")
        from exporter.formats.onnx.check import check

        return check(graph, target)

    def converter(self, graph: "SourceGraph") -> Converter:
        from exporter.formats.onnx.conversion.converter import OnnxConverter

        return OnnxConverter(graph)

    def in_float(self, target: OnnxTarget) -> OnnxTarget:
        return target.model_copy(update={"quantization": OnnxQuantization(), "preprocessing": "none", "route": ""})

    def variants(self, target: OnnxTarget) -> Sequence[Variant]:
        return variants(target)

    def postprocess(self, target: OnnxTarget, path: Path, out: Path, asked: Postprocessing) -> None:
        from exporter.formats.onnx.postprocessing.postprocess import postprocess

        postprocess(target, path, out, asked)

    def check_whole(self, path: Path) -> None:
        check_onnx(path)

    def inspect(self, path: Path) -> Inspection:
        need("onnx")
        from exporter.formats.onnx.inspection.reader import inspect_onnx

        return inspect_onnx(path)

    def file_facts(self, path: Path) -> FileFacts:
        from exporter.formats.onnx.inspection.file_facts import file_facts

        return file_facts(path)

    def evaluators(self) -> tuple[str, ...]:
        return ("onnxruntime",)

    def evaluator(self, name: str, path: Path, origin: Origin) -> ArtifactRunner:
        from exporter.formats.onnx.runner import OnnxRunner

        return OnnxRunner(path, origin)

    def layers(self, path: Path, origin: Origin, module: Any, example: "Sequence[NDArray[Any]]") -> Layers:
        from exporter.formats.onnx.layers import compare_with_module

        return compare_with_module(path, origin, module, example)

    @property
    def devices(self) -> DeviceSupport:
        from exporter.formats.onnx.devices import DEVICES

        return DEVICES

    @property
    def handoff(self) -> HandoffSupport:
        from exporter.formats.onnx.handoff.support import SUPPORT

        return SUPPORT

    def answered(self, path: Path, origin: Origin) -> Answered | None:
        return None

    def host_runner(self) -> DocumentRunner | None:
        return OnnxRuntimeInProcess()


FORMAT = _Onnx()
