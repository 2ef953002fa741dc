"""litert-torch's float32 TFLite model, run in LiteRT."""

from worker import Outcome, Task, tflite_snr, work


def attempt(task: Task) -> Outcome:
    """Convert as its documentation does."""
    import litert_torch

    module, path = task.module(), task.folder / "model.tflite"
    litert_torch.convert(module, task.examples(0)).export(str(path))
    return Outcome(tflite_snr(path, task, module))


if __name__ == "__main__":
    work(attempt, ("litert_torch", "ai_edge_litert.interpreter"), ("litert-torch", "ai-edge-litert"))
