"""What TFLite runtimes and delegates compute rightly, as dated facts.

Seen on 2026-11-27 by running one MobileNetV2 in every form with tflite-runtime 2.14.0 and ai-edge-litert 1.0.1, 1.1.2,
1.2.0, 1.4.0 and 2.1.2 from PyPI, and read in the sources that are named, those of LiteRT.
"""

import re
from dataclasses import dataclass

RUNTIME = re.compile(r"(TFLite|LiteRT) ([0-9]{1,2})\.([0-9]{1,2})")


@dataclass(frozen=True)
class Requirement:
    """What a form of a model needs.

    Attributes:
        what: a plural, for a sentence.
        runtime: the first that computes it rightly.
        gpu: whether a model that asks for the GPU delegate can have it.
        instead: what to write where it cannot be had.
    """

    what: str
    runtime: str
    gpu: bool
    instead: str


FOUR_BIT_WEIGHTS = Requirement("4-bit weights", "LiteRT 1.1", False, "nbits = 8")
"""LiteRT 1.0.1 loads them and computes something else (-13 dB). GPU: ``CreateVectorCopyData`` in
tflite/delegates/gpu/common/model_builder_helper.cc has no case for INT4 ("Unsupported data type")."""
DYNAMIC_RANGE = Requirement("int8 weights with a scale a channel", "TFLite 2.17", True, "mode 'float16' or 'int8'")
"""FULLY_CONNECTED of version 12 (tflite/tools/versioning/runtime_version.cc); TFLite 2.14 refuses to load it."""
INT16X8 = Requirement("int16 activations", "TFLite 2.3", False, "mode 'float16', 'float32' or 'int8'")
"""CONV_2D of version 4 (runtime_version.cc, as above). GPU: ``PopulateQuantParams`` takes 8-bit activations alone."""
DETECTION_POSTPROCESS = Requirement(
    "models with TFLite_Detection_PostProcess", "TFLite 2.14", True, 'suppression = "builtin"'
)
"""It is older, and 2.14 the oldest that was tried. GPU: the delegate leaves it to the CPU, as all of suppression."""


def runtime_order(runtime: str) -> tuple[int, ...]:
    """Sorts runtimes by age; LiteRT followed TFLite.

    Args:
        runtime: such as ``TFLite 2.17`` or ``LiteRT 1.1``.

    Raises:
        ValueError: it is written otherwise.
    """
    match = RUNTIME.fullmatch(runtime)
    if match is None:
        raise ValueError(f"{runtime!r} is not a runtime with a version, such as 'LiteRT 2.1' or 'TFLite 2.17'")
    return (match[1] == "LiteRT", int(match[2]), int(match[3]))


def refusal(requirement: Requirement, runtime: str, compute_units: str) -> str | None:
    """Why a target cannot have what `requirement` is about; None where it can."""
    if compute_units == "gpu" and not requirement.gpu:
        return f"the GPU delegate does not take {requirement.what}: use {requirement.instead}"
    if runtime_order(runtime) < runtime_order(requirement.runtime):
        return (
            f"{requirement.what} need {requirement.runtime}, minimum_runtime is {runtime}: use {requirement.instead}, "
            "or ship a newer runtime with the app"
        )
    return None
