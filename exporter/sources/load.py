"""Loads a model source: the torch module (or ONNX file) and its description."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exporter.errors import ToolError, UsageProblem, first_line
from exporter.heavy import load, load_torch
from exporter.hints import CompressionHints
from exporter.sources.description import (
    ImageSpec,
    InputSpec,
    SourceDescription,
    SourceKind,
    classify,
    read_labels,
    sha256_file,
    source_files,
)
from exporter.sources.digests import source_digest
from exporter.sources.settings import InputSettings, ModelSettings


@dataclass(frozen=True)
class ModelSource:
    """A loaded source.

    Attributes:
        description: what it is.
        settings: what the user said of it.
        module: ``torch.nn.Module`` in eval mode, or None for an ONNX source.
        onnx_path: the file of an ONNX source.
        hints: forms and ranges that `mobile-export compress` left in a .pt2 file; converters keep them.
    """

    description: SourceDescription
    settings: ModelSettings
    module: Any
    onnx_path: Path | None = None
    hints: CompressionHints = field(default_factory=CompressionHints)

    def example_inputs(self) -> tuple[Any, ...]:
        """One tensor an input, of its shape and dtype: seeded noise, zeros for integers."""
        torch = load_torch()
        generator = torch.Generator().manual_seed(0)
        return tuple(
            torch.randn(spec.shape, generator=generator)
            if spec.dtype == "float32"
            else torch.zeros(spec.shape, dtype=getattr(torch, spec.dtype))
            for spec in self.description.inputs
        )


def load_source(spec: str, settings: ModelSettings) -> ModelSource:
    """Load the model that `spec` names and find out its inputs and outputs by running it once.

    Raises:
        UsageProblem: no such model, weights that do not fit, NaN weights, wrong shapes, a pickle without trust.
    """
    kind = classify(spec)
    if kind is SourceKind.ONNX:
        return _load_onnx(spec, settings)
    known: tuple[InputSettings, ...] = ()
    image: ImageSpec | None = None
    labels: tuple[str, ...] = ()
    hints = CompressionHints()
    if kind is SourceKind.TORCHVISION:
        from exporter.sources.torchvision_models import load_torchvision_model

        module, known, image, labels = load_torchvision_model(spec, settings)
    elif kind is SourceKind.FACTORY:
        from exporter.sources.factories import call_factory

        module = call_factory(spec)
    elif kind is SourceKind.EXPORTED:
        from exporter.sources.saved import load_exported

        module, known, hints = load_exported(Path(spec))
    else:
        from exporter.sources.saved import load_torchscript

        module = load_torchscript(Path(spec), trust_pickle=settings.trust_pickle)
    if kind is not SourceKind.TORCHVISION and settings.weights not in (None, "none"):
        from exporter.sources.weights import load_state

        load_state(module, Path(str(settings.weights)))
    _refuse_not_finite(module, spec)
    if settings.labels:
        labels = read_labels(settings.labels)
    inputs = _input_specs(spec, settings, known, image)
    outputs = _try_once(module, inputs, settings, spec)
    state = list(module.state_dict().values()) if kind is not SourceKind.EXPORTED else list(module.parameters())
    description = SourceDescription(
        spec=spec,
        kind=kind,
        digest=source_digest(kind, spec, module, inputs),
        inputs=inputs,
        outputs=outputs,
        labels=labels,
        parameters=sum(tensor.numel() for tensor in state),
        size_bytes=sum(tensor.numel() * tensor.element_size() for tensor in state),
    )
    return ModelSource(description, settings, module, hints=hints)


def _input_specs(
    spec: str, settings: ModelSettings, known: tuple[InputSettings, ...], image: ImageSpec | None
) -> tuple[InputSpec, ...]:
    inputs = settings.inputs or known
    if not inputs:
        raise UsageProblem(f"model {spec}: its input shape is not known; give it with --input-shape 1,3,224,224.")
    layout = settings.layout or "NCHW"
    specs = []
    for item in inputs:
        channels = item.shape[1 if layout == "NCHW" else 3] if len(item.shape) == 4 else 0
        pixels = _image_spec(settings, image, channels) if channels in (1, 3) and item.dtype == "float32" else None
        specs.append(InputSpec(name=item.name, shape=item.shape, dtype=item.dtype, layout=layout, image=pixels))
    if (settings.mean or settings.std) and not any(item.image for item in specs):
        raise UsageProblem("--mean and --std are for image inputs: four dimensions with 1 or 3 channels. "
                           f"The inputs are {', '.join(str(item.shape) for item in specs)}.")  # fmt: skip
    return tuple(specs)


def _image_spec(settings: ModelSettings, known: ImageSpec | None, channels: int) -> ImageSpec:
    mean = settings.mean or (known.mean if known and len(known.mean) in (1, channels) else (0.0,))
    std = settings.std or (known.std if known and len(known.std) in (1, channels) else (1.0,))
    for name, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, channels):
            raise UsageProblem(f"--{name} has {len(values)} values; the image input has {channels} channels: "
                               f"give 1 or {channels}.")  # fmt: skip
    color = settings.color_order or ("GRAY" if channels == 1 else "RGB")
    if (color == "GRAY") != (channels == 1):
        raise UsageProblem(f"colour order {color} does not fit an input of {channels} channels.")
    return ImageSpec(
        mean=tuple(mean) * (channels if len(mean) == 1 else 1),
        std=tuple(std) * (channels if len(std) == 1 else 1),
        color=color,
    )


def _try_once(module: Any, inputs: tuple[InputSpec, ...], settings: ModelSettings, spec: str) -> tuple[str, ...]:
    """Run `module` on zeros; the names of its outputs, or an error about the shapes."""
    torch = load_torch()
    zeros = [torch.zeros(item.shape, dtype=getattr(torch, item.dtype)) for item in inputs]
    try:
        with torch.no_grad():
            results = flatten(module(*zeros))
    except Exception as error:
        shapes = ", ".join(f"{item.name} {list(item.shape)}" for item in inputs)
        raise UsageProblem(
            f"model {spec} does not run on inputs {shapes}: {first_line(error)}\n"
            "Give the right shape with --input-shape."
        ) from error
    if settings.outputs and len(settings.outputs) != len(results):
        raise UsageProblem(f"model {spec} has {len(results)} outputs; {len(settings.outputs)} names were given.")
    default = ("output",) if len(results) == 1 else tuple(f"output_{index}" for index in range(len(results)))
    return settings.outputs or default


def flatten(result: Any) -> list[Any]:
    """Tensors of a model's result in order; dictionaries (torchvision segmentation) by insertion order."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple):
        return [tensor for item in result for tensor in flatten(item)]
    return [result]


def _refuse_not_finite(module: Any, spec: str) -> None:
    torch = load_torch()
    bad = [
        name
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())
    ]
    if bad:
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        raise UsageProblem(f"model {spec} has weights that are NaN or infinite: {', '.join(bad[:3])}{more}.")


def _load_onnx(spec: str, settings: ModelSettings) -> ModelSource:
    onnx = load("onnx")
    path = Path(spec)
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:
        raise UsageProblem(f"model {spec} is not a readable ONNX file: {first_line(error)}") from error
    initializers = {item.name for item in model.graph.initializer}
    fixed = {item.name: item for item in settings.inputs}
    specs = []
    for value in model.graph.input:
        if value.name in initializers:
            continue
        kind = value.type.tensor_type
        dims = [dim.dim_value if dim.dim_value > 0 else (1 if axis == 0 else 0)
                for axis, dim in enumerate(kind.shape.dim)]  # fmt: skip
        shape = fixed[value.name].shape if value.name in fixed else tuple(dims)
        if 0 in shape:
            raise UsageProblem(f"model {spec}: input {value.name} has dynamic dimensions {dims}; "
                               f"fix them with --input-shape {value.name}=1,3,224,224.")  # fmt: skip
        dtype = {1: "float32", 6: "int32", 7: "int64"}.get(kind.elem_type)
        if dtype is None:
            raise ToolError(f"model {spec}: input {value.name} has an element type that is not supported.")
        specs.append(InputSettings(name=value.name, shape=shape, dtype=dtype))
    import numpy as np
    from onnx import numpy_helper

    weights = [numpy_helper.to_array(item) for item in model.graph.initializer]
    bad = [item.name for item, value in zip(model.graph.initializer, weights, strict=True)
           if value.dtype.kind == "f" and not np.isfinite(value).all()]  # fmt: skip
    if bad:
        raise UsageProblem(f"model {spec} has weights that are NaN or infinite: {', '.join(bad[:3])}.")
    inputs = _input_specs(spec, settings.model_copy(update={"inputs": ()}), tuple(specs), None)
    digest = hashlib.sha256("\0".join(item.model_dump_json() for item in inputs).encode())
    digest.update("".join(sha256_file(file) for file in source_files(SourceKind.ONNX, path)).encode())
    description = SourceDescription(
        spec=spec,
        kind=SourceKind.ONNX,
        digest=digest.hexdigest(),
        inputs=inputs,
        outputs=tuple(value.name for value in model.graph.output),
        labels=read_labels(settings.labels) if settings.labels else (),
        parameters=sum(value.size for value in weights),
        size_bytes=sum(value.nbytes for value in weights),
    )
    return ModelSource(description, settings, None, path)
