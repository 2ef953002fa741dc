"""The converters that `zoo.py` compares, and what counts as right."""

from collections.abc import Sequence
from dataclasses import dataclass

from zoo_results import Result


@dataclass(frozen=True)
class Tool:
    """A converter.

    Attributes:
        title: in the table.
        worker: its script in `zoo_workers/`.
        ways: tried in this order until one is right.
        least_db: what a right file reaches; None where a file cannot be run here and counts as it is.
        ours: whether it is this program.
    """

    name: str
    title: str
    worker: str
    ways: tuple[str, ...]
    least_db: float | None
    ours: bool = False

    def right(self, result: Result) -> bool:
        """Whether it is a file that computes what the model computes, as far as can be known."""
        if not result.converted or self.least_db is None:
            return result.converted
        return result.snr_db is not None and result.snr_db >= self.least_db

    def best(self, results: Sequence[Result]) -> Result | None:
        """A right result where there is one, else a file, else the last refusal; None where nothing was tried."""
        return max(results, key=lambda item: (self.right(item), item.converted, item.snr_db or -1e9), default=None)


TOOLS = (
    Tool("ours-tflite", "TFLite, float32", "worker_ours.py", ("tflite",), 60, ours=True),
    Tool("ours-coreml", "Core ML, float16", "worker_ours.py", ("coreml",), 30, ours=True),
    Tool("litert-torch", "litert-torch", "worker_litert_torch.py", ("",), 60),
    Tool("coremltools", "coremltools", "worker_coremltools.py", ("trace", "export"), None),
    Tool("onnx2tf", "onnx2tf", "worker_onnx2tf.py", ("legacy", "dynamo"), 60),
)
