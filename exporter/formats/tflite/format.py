"""TensorFlow Lite as a format: flatbuffers for LiteRT, on Android and embedded Linux."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from device_harness.runners.documents import DocumentRunner
from device_harness.runners.in_process import LitertInProcess
from exporter.data.facts.advice import Advice
from exporter.data.facts.artifact import FileFacts
from exporter.data.facts.checks import OperatorCheck
from exporter.data.facts.inspection import Inspection
from exporter.data.facts.layers import Layers
from exporter.data.facts.source import SourceDescription
from exporter.execution.heavy import need
from exporter.formats.artifact_runner import Answered, ArtifactRunner
from exporter.formats.common.bytes.damage import mapped
from exporter.formats.common.deciding import settings_that_decide
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.common.preprocessing import preprocessing_problem
from exporter.formats.devices import DeviceSupport
from exporter.formats.format import Accelerator, Converter, Origin
from exporter.formats.handoff import HandoffSupport
from exporter.formats.packing import Packing
from exporter.formats.tflite.inspection.file_facts import file_facts
from exporter.formats.tflite.inspection.structure import IDENTIFIER, check_tflite_bytes
from exporter.formats.tflite.settings import TfliteQuantization, TfliteRoute, TfliteTarget, layout_problem
from exporter.formats.tflite.variants import variants
from exporter.formats.variants import Variant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.formats.common.tracing.graph import SourceGraph


_SLOW = {
    "int16x8": "LiteRT runs int16x8 in reference kernels",
    "dynamic_range": "activations are quantized anew in every operator",
}


class _Tflite:
    name = "tflite"
    title = "TFLite"
    suffixes = (".tflite", ".lite")
    file_name = "model.tflite"
    twin_name = "twin.tflite"
    target_type = TfliteTarget
    newest_os = "Android 16"
    libraries = ("onnx2tf", "tensorflow", "ai-edge-litert")
    routes = get_args(TfliteRoute)
    packing = Packing(mapped=True, identifier=IDENTIFIER, check_bytes=check_tflite_bytes)

    def refuse(self, target: TfliteTarget, source: SourceDescription) -> str | None:
        return preprocessing_problem(target, source) or layout_problem(target, source)

    def decides(self, target: TfliteTarget) -> Mapping[str, Any]:
        return settings_that_decide(target)

    def advice(self, target: TfliteTarget) -> Advice:
        mode = target.quantization.mode
        return Advice(
            compresses=mode != "float32",
            integer_mode=mode if target.quantization.calibrated else "",
            slow_because=_SLOW.get(mode, ""),
            keep_float='rules of keep = "float32" for CONCATENATION',
            keep_layer='keep = "float32"' if mode != "float32" or target.quantization.rules else "",
        )

    def accelerator(self, target: TfliteTarget) -> Accelerator:
        return target.compute_units

    def check(self, graph: "SourceGraph", target: TfliteTarget) -> OperatorCheck:
        need("onnx2tf")
        from exporter.formats.tflite.check.operators import check

        return check(graph, target)

    def converter(self, graph: "SourceGraph") -> Converter:
        from exporter.formats.tflite.conversion.converter import TfliteConverter

        return TfliteConverter(graph)

    def in_float(self, target: TfliteTarget) -> TfliteTarget:
        return target.model_copy(update={"quantization": TfliteQuantization(), "preprocessing": "none", "route": ""})

    def variants(self, target: TfliteTarget) -> Sequence[Variant]:
        return variants(target)

    def postprocess(self, target: TfliteTarget, path: Path, out: Path, asked: Postprocessing) -> None:
        from exporter.formats.tflite.postprocessing.postprocess import postprocess

        postprocess(target, path, out, asked)

    def check_whole(self, path: Path) -> None:
        check_tflite_bytes(mapped(path))

    def inspect(self, path: Path) -> Inspection:
        from exporter.formats.tflite.inspection.reader import inspect_tflite

        return inspect_tflite(path)

    def file_facts(self, path: Path) -> FileFacts:
        return file_facts(path)

    def evaluators(self) -> tuple[str, ...]:
        return ("litert",)

    def evaluator(self, name: str, path: Path, origin: Origin) -> ArtifactRunner:
        from exporter.formats.tflite.postprocessing.detections import litert_runner

        return litert_runner(path, origin)

    def answered(self, path: Path, origin: Origin) -> Answered | None:
        from exporter.formats.tflite.answers import answered_runner

        return answered_runner(path, origin)

    def layers(self, path: Path, origin: Origin, module: Any, example: "Sequence[NDArray[Any]]") -> Layers:
        from exporter.formats.tflite.layers import compare_with_module

        return compare_with_module(path, origin, module, example)

    @property
    def devices(self) -> DeviceSupport:
        from exporter.formats.tflite.devices import DEVICES

        return DEVICES

    @property
    def handoff(self) -> HandoffSupport:
        from exporter.formats.tflite.handoff.support import SUPPORT

        return SUPPORT

    def host_runner(self) -> DocumentRunner | None:
        return LitertInProcess()


FORMAT = _Tflite()
