"""What stands behind the model of a target that suppresses: operators that no accelerator has."""

from exporter.data.facts.checks import Judgement, OperatorFinding, Support
from exporter.formats.tflite.check.lowering import LoweredOperator
from exporter.formats.tflite.check.placement import Placement
from exporter.formats.tflite.inspection.names import DETECTION_POSTPROCESS
from exporter.formats.tflite.settings import TfliteTarget

_PLAIN = Judgement(support=Support.SUPPORTED)
_CUSTOM = Judgement(
    support=Support.SUPPORTED,
    why="it is a custom operator, which LiteRT and TFLite hold beside the builtin ones; whether another runtime does, "
    "such as a chip maker's, is not known here",
)
_ALWAYS = {"builtin": ("TOPK_V2", _PLAIN), "detection_postprocess": (DETECTION_POSTPROCESS, _CUSTOM)}
"""Which one every such file has; whether there are others depends on the task."""


def behind(target: TfliteTarget, placement: Placement) -> list[OperatorFinding]:
    """The operator of suppression; none where the target does not ask for it."""
    if target.postprocessing != "nms":
        return []
    kind, conversion = _ALWAYS[target.suppression]
    return [
        OperatorFinding(
            operator=kind,
            becomes=(kind,),
            places=("behind the model",),
            conversion=conversion,
            accelerator=placement.judge([LoweredOperator(kind, {}, (), ())]),
        )
    ]
