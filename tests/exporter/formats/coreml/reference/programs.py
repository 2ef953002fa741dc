"""Small ML programs, written with coremltools' builder or converted from torch, saved as packages."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from exporter.execution.heavy import quiet
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.reference import ReferenceModel


def coremltools() -> Any:
    return load_coremltools()


def build(
    path: Path,
    body: Callable[..., Any],
    inputs: Mapping[str, Sequence[int]],
    *,
    opset: str = "iOS18",
    dtype: str = "fp32",
) -> Path:
    """Save the program that `body` builds with `mb` from placeholders of the given shapes, in float32 unless told."""
    ct = load_coremltools()
    from coremltools.converters.mil import Builder, mil
    from coremltools.converters.mil.mil import types

    target = getattr(ct.target, opset)
    element = types.string_to_builtin(dtype)
    specs = [Builder.TensorSpec(shape=tuple(shape), dtype=element) for shape in inputs.values()]
    order = ", ".join(inputs)
    scope: dict[str, Any] = {"body": body, "mb": Builder}
    exec(f"def program({order}):\n    return body(mb, {order})", scope)
    program: mil.Program = Builder.program(input_specs=specs, opset_version=target)(scope["program"])
    with quiet():
        model = ct.convert(
            program,
            source="milinternal",
            convert_to="mlprogram",
            minimum_deployment_target=target,
            compute_precision=ct.precision.FLOAT32,
            pass_pipeline=ct.PassPipeline.EMPTY,
            skip_model_load=True,
        )
        model.save(str(path))
    return path


def convert(
    path: Path,
    module: torch.nn.Module,
    shape: Sequence[int],
    *,
    precision: str = "FLOAT32",
    target: str = "iOS18",
    **options: Any,
) -> Any:
    """Convert a module of one input ``x`` and one output ``y`` and save it; gives coremltools' model."""
    ct = load_coremltools()
    example = torch.rand(*shape)
    options.setdefault("inputs", [ct.TensorType("x", shape=tuple(shape))])
    options.setdefault("outputs", [ct.TensorType("y")])
    with quiet(), torch.no_grad():
        model = ct.convert(
            torch.jit.trace(module.eval(), example),
            compute_precision=getattr(ct.precision, precision),
            minimum_deployment_target=getattr(ct.target, target),
            skip_model_load=True,
            **options,
        )
        model.save(str(path))
    return model


def run(path: Path, data: Mapping[str, Any], **options: Any) -> list[Any]:
    """The outputs in order, evaluated in float32 precision unless told."""
    options.setdefault("precision", "float32")
    return list(ReferenceModel(path, **options).predict(data).values())


class SmallNet(torch.nn.Module):
    """Convolutions with batch norm, a residual, a strided one without, a linear layer: 8 classes from 3x16x16."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        nn = torch.nn
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU6())
        self.expand = nn.Sequential(nn.Conv2d(16, 32, 1), nn.BatchNorm2d(32), nn.ReLU6())
        self.depthwise = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1, groups=32), nn.BatchNorm2d(32), nn.ReLU6())
        self.project = nn.Sequential(nn.Conv2d(32, 16, 1), nn.BatchNorm2d(16))
        self.head = nn.Conv2d(16, 128, 3, stride=2)
        self.classifier = nn.Linear(128, 8)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None
        self.train()
        with torch.no_grad():
            self(torch.randn(32, 3, 16, 16))
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = x + self.project(self.depthwise(self.expand(x)))
        x = torch.relu(self.head(x))
        return self.classifier(x.mean((2, 3)))
