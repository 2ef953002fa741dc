"""Agreement of the evaluator with torch eager: converted in float32, evaluated in float32, random weights.

    python benchmarks/coreml_agreement.py                 # all, a markdown table on standard output
    python benchmarks/coreml_agreement.py resnet lstm     # those whose name contains one of these

The error is the largest absolute difference over the largest magnitude of each output; the worst output counts.
Beside it stands torch's own rounding: its float32 result against its float64 one.
"""

import copy
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from exporter.execution.heavy import load_torchvision, quiet
from exporter.formats.coreml.coremltools import load_coremltools

CLASSIFIERS = """
    alexnet convnext_tiny densenet121 densenet169 efficientnet_b0 efficientnet_b1 efficientnet_b2
    efficientnet_b3 efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet0_5 mnasnet0_75 mnasnet1_0
    mnasnet1_3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_x_400mf regnet_x_800mf
    regnet_x_1_6gf regnet_x_3_2gf regnet_y_400mf regnet_y_800mf regnet_y_1_6gf regnet_y_3_2gf resnet18
    resnet34 resnet50 resnet101 resnet152 resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0
    shufflenet_v2_x1_5 shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_t swin_v2_t vgg11 vgg11_bn
    vgg13 vit_b_16 vit_b_32 wide_resnet50_2
"""
USUAL_SIZE = 64
SIZES = {
    **dict.fromkeys(("alexnet", "maxvit_t", "vgg11", "vgg11_bn", "vgg13"), 224),
    **dict.fromkeys(("googlenet", "inception_v3", "vit_b_16", "vit_b_32"), 96),
}
"""Of the images, where a network does not take the usual ones."""
DETECTORS = {
    "fasterrcnn_mobilenet_v3_large_fpn": 96,
    "fasterrcnn_resnet50_fpn": 96,
    "fcos_resnet50_fpn": 96,
    "retinanet_resnet50_fpn": 96,
    "ssd300_vgg16": 300,
    "ssdlite320_mobilenet_v3_large": 320,
}
SEGMENTERS = ("deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50", "fcn_resnet50", "lraspp_mobilenet_v3_large")


def _cases() -> dict[str, Callable[[], tuple[Any, tuple[Any, ...]]]]:
    import torch

    vision = load_torchvision().models

    def classifier(name: str, size: int) -> tuple[Any, tuple[Any, ...]]:
        extra = {"image_size": size} if name.startswith("vit") else {}
        if name in ("googlenet", "inception_v3"):
            extra = {"aux_logits": False, "init_weights": True}
        return getattr(vision, name)(weights=None, **extra), (torch.randn(1, 3, size, size),)

    def segmenter(name: str) -> tuple[Any, tuple[Any, ...]]:
        model = getattr(vision.segmentation, name)(weights=None, weights_backbone=None)
        return _Values(model), (torch.randn(1, 3, 96, 96),)

    def backbone(name: str, size: int) -> tuple[Any, tuple[Any, ...]]:
        detector = getattr(vision.detection, name)(weights=None, weights_backbone=None)
        return _Values(detector.backbone), (torch.randn(1, 3, size, size),)

    def sequence(layer: Any) -> tuple[Any, tuple[Any, ...]]:
        return _First(layer), (torch.randn(1, 12, 16),)

    nn = torch.nn
    cases: dict[str, Callable[[], tuple[Any, tuple[Any, ...]]]] = {}
    for name in CLASSIFIERS.split():
        cases[name] = partial(classifier, name, SIZES.get(name, USUAL_SIZE))
    for name in SEGMENTERS:
        cases[f"segmentation {name}"] = partial(segmenter, name)
    for name, size in DETECTORS.items():
        cases[f"backbone {name}"] = partial(backbone, name, size)
    cases["LSTM, 2 layers, both directions"] = lambda: sequence(
        nn.LSTM(16, 24, num_layers=2, bidirectional=True, batch_first=True)
    )
    cases["GRU, 2 layers"] = lambda: sequence(nn.GRU(16, 24, num_layers=2, batch_first=True))
    cases["RNN"] = lambda: sequence(nn.RNN(16, 24, batch_first=True))
    cases["transformer encoder, 2 layers"] = lambda: (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 2),
        (torch.randn(1, 10, 32),),
    )
    return cases


def _wrappers() -> tuple[Any, Any]:
    import torch

    class Values(torch.nn.Module):
        """Only the tensors of a dictionary of outputs."""

        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Any) -> Any:
            return tuple(self.model(x).values())

    class First(torch.nn.Module):
        """Only the sequence that a recurrent layer gives."""

        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Any) -> Any:
            return self.model(x)[0]

    return Values, First


_Values, _First = _wrappers()


def _settle(module: Any, inputs: tuple[Any, ...]) -> None:
    """Give batch norms statistics of data, and layers of zeros weights, so that the output depends on the input."""
    import torch

    module.train()
    for child in module.modules():
        if isinstance(child, torch.nn.modules.batchnorm._BatchNorm):
            child.reset_running_stats()
            child.momentum = None
        elif isinstance(child, torch.nn.Linear) and not child.weight.any():
            torch.nn.init.normal_(child.weight, std=0.02)
        elif hasattr(child, "downsample"):
            # A residual block: as training leaves it, not amplifying every rounding error.
            torch.nn.init.constant_(getattr(child, "bn3", child.bn2).weight, 0.25)
    with torch.no_grad():
        module(*(torch.randn(8, *one.shape[1:]) for one in inputs))
    module.eval()
    with torch.no_grad():
        first, second = _outputs(module, inputs), _outputs(module, tuple(torch.randn_like(one) for one in inputs))
    if not all(float((a - b).abs().max() / a.abs().max()) > 1e-4 for a, b in zip(first, second, strict=True)):
        raise AssertionError("the output does not depend on the input: agreement would mean nothing")


def _outputs(module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    result = module(*inputs)
    return result if isinstance(result, tuple) else (result,)


def _worst(found: Sequence[Any], expected: Sequence[Any]) -> float:
    pairs = zip(found, expected, strict=True)
    return max(float((one.double() - two.double()).abs().max() / two.double().abs().max()) for one, two in pairs)


def worst_error(module: Any, inputs: tuple[Any, ...], folder: Path) -> tuple[float, float, float, float]:
    """Largest relative error of any output, torch's own rounding, and seconds of torch and of the evaluator."""
    import torch

    from exporter.formats.coreml.reference import ReferenceModel

    coremltools = load_coremltools()
    _settle(module, inputs)
    with torch.inference_mode():
        expected = _outputs(module, inputs)
        begin = time.perf_counter()
        module(*inputs)
        eager_s = time.perf_counter() - begin
    with quiet(), torch.no_grad():
        model = coremltools.convert(
            torch.jit.trace(module, inputs, check_trace=False),
            inputs=[coremltools.TensorType(f"x{i}", shape=one.shape) for i, one in enumerate(inputs)],
            outputs=[coremltools.TensorType(f"y{i}") for i in range(len(expected))],
            compute_precision=coremltools.precision.FLOAT32,
            minimum_deployment_target=coremltools.target.iOS18,
            skip_model_load=True,
        )
        model.save(str(folder / "model.mlpackage"))
    reference = ReferenceModel(folder / "model.mlpackage", precision="float32")
    given = {f"x{i}": one.numpy() for i, one in enumerate(inputs)}
    reference.predict(given)
    begin = time.perf_counter()
    found = reference.predict(given)
    reference_s = time.perf_counter() - begin
    error = _worst([torch.from_numpy(found[f"y{i}"]) for i in range(len(expected))], expected)
    with torch.inference_mode():
        rounding = _worst(expected, _outputs(copy.deepcopy(module).double(), tuple(one.double() for one in inputs)))
    return error, rounding, eager_s, reference_s


def main() -> int:
    """Print the table; 1 when a model is not within 1e-4."""
    import torch

    torch.backends.mha.set_fastpath_enabled(False)  # coremltools cannot convert the fused operation
    bad = 0
    print("| model | max relative error | torch's own rounding | torch ms | evaluator ms |\n|---|---|---|---|---|")
    for name, make in _cases().items():
        if len(sys.argv) > 1 and not any(part in name for part in sys.argv[1:]):
            continue
        torch.manual_seed(0)
        module, inputs = make()
        with tempfile.TemporaryDirectory() as folder:
            try:
                error, rounding, eager_s, reference_s = worst_error(module, inputs, Path(folder))
            except (NotImplementedError, AssertionError) as reason:
                print(f"| {name} | not checked: {reason} | | | |", flush=True)
                continue
        bad += error >= 1e-4
        print(f"| {name} | {error:.1e} | {rounding:.1e} | {eager_s * 1e3:.0f} | {reference_s * 1e3:.0f} |", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
