"""CoremlConverter: every Core ML artifact of one source, from one float program a precision and system."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from exporter.conversion import coreml, coreml_compression, coreml_hints
from exporter.conversion.graph import SourceGraph
from exporter.errors import ToolError, UsageProblem
from exporter.heavy import quiet
from exporter.inspection import Inspection
from exporter.record import LeftAlone
from exporter.targets.settings import CoremlTarget


class CoremlConverter:
    """Converts one source; float programs are made once for the settings that decide them."""

    def __init__(self, source: SourceGraph) -> None:
        self.source = source
        self._floats: dict[str, coreml.CoremlModel] = {}

    def convert(self, target: CoremlTarget, path: Path, twin: Path) -> "CoremlConversion":
        """Write the package to `path`, and the same program without compression to `twin`.

        Raises:
            UsageProblem: the source is ONNX, or calibration data is missing.
            ToolError: coremltools failed.
        """
        model = self._float(target)
        # Weights that a recipe gave a form are no plain constants any more, so the target's settings pass them by.
        formed = replace(model, mlmodel=coreml_hints.compress_as_hinted(model, self.source.source.hints))
        plans = coreml_compression.plan_weights(formed, target.quantization)
        mlmodel = coreml_compression.compress_weights(formed, target.quantization, plans)
        if target.quantization.activations is not None:
            raise ToolError("static activation quantization of Core ML models is not built yet")
        with quiet():
            model.mlmodel.save(str(twin))
            mlmodel.save(str(path))
        return CoremlConversion(target, plans)

    def _float(self, target: CoremlTarget) -> coreml.CoremlModel:
        if self.source.source.module is None:
            raise UsageProblem(
                f"target {target.name}: an ONNX model cannot become Core ML (coremltools dropped ONNX). "
                "Give the PyTorch model: a factory, a .pt2 or a TorchScript file."
            )
        rules = [rule for rule in target.quantization.rules if rule.precision]
        key = repr((target.generation, target.input_kind, target.quantization.precision, rules))
        if key not in self._floats:
            self._floats[key] = coreml.convert_float(
                self.source.traced, self.source.description, self.source.source.settings, target,
                self.source.layer_weights,
            )  # fmt: skip
        return self._floats[key]


class CoremlConversion:
    """What was planned for the weights of an artifact, to compare with what is in it."""

    def __init__(self, target: CoremlTarget, plans: Mapping[str, coreml_compression.WeightPlan]) -> None:
        self.target = target
        self.plans = plans

    def left_alone(self, inspection: Inspection) -> tuple[LeftAlone, ...]:
        """Weights that stayed plain floats, each with the reason."""
        return coreml_compression.left_alone(inspection, self.target.quantization, self.plans)
