"""Loads a model source: the torch module (or ONNX file) and its description."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from exporter.data.errors import UsageProblem, first_line
from exporter.data.hints import CompressionHints
from exporter.data.model import InputSettings, ModelSettings
from exporter.data.source import ImageSpec, InputSpec, SourceDescription, SourceKind
from exporter.execution.heavy import load_torch
from exporter.sources.digests import source_digest
from exporter.sources.labels import check_label_count, class_count, distinct, read_labels
from exporter.sources.outputs import flatten, named_tensors, output_names
from exporter.sources.spec import classify, source_files
from exporter.store.digests import given_digest

__all__ = ["ModelSource", "flatten", "load_source"]


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
        """One tensor an input, of its shape and dtype: seeded noise, the least that the source takes for integers."""
        torch = load_torch()
        generator = torch.Generator().manual_seed(0)
        return tuple(
            torch.randn(spec.shape, generator=generator)
            if spec.dtype == "float32"
            else torch.full(spec.shape, spec.least, dtype=getattr(torch, spec.dtype))
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
    specs = _input_specs(spec, settings, known, image)
    if any(item.dtype == "uint8" for item in specs):
        raise UsageProblem(f"model {spec}: inputs of uint8 are for ONNX files; let the model take float32 pixels.")
    inputs, outputs, shapes = _try_once(module, specs, settings, spec)
    labels, notes = _labels(settings, labels, outputs[0], shapes[0])
    state = list(module.state_dict().values()) if kind is not SourceKind.EXPORTED else list(module.parameters())
    description = SourceDescription(
        spec=spec,
        kind=kind,
        digest=source_digest(kind, spec, module, inputs),
        inputs=inputs,
        outputs=outputs,
        output_shapes=shapes,
        labels=labels,
        notes=notes,
        parameters=sum(tensor.numel() for tensor in state),
        size_bytes=sum(tensor.numel() * tensor.element_size() for tensor in state),
    )
    return ModelSource(description, settings, module, hints=hints)


def _labels(
    settings: ModelSettings, known: tuple[str, ...], output: str, shape: tuple[int, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Class names, one a class, and what was done to them; those that the weights bring go only with class scores."""
    if settings.labels:
        labels = read_labels(settings.labels)
        check_label_count(str(settings.labels), labels, output, shape)
        return labels, ()
    if class_count(shape) != len(known):
        return (), ()
    twice = sorted({name for name in known if known.count(name) > 1})
    note = f"the weights' class names have {', '.join(twice)} more than once; the class's number was put behind them"
    return distinct(known), (note,) if twice else ()


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
        takes_pixels = channels in (1, 3) and item.dtype in ("float32", "uint8")
        pixels = _image_spec(settings, image, channels) if takes_pixels else None
        if item.dtype == "uint8" and (settings.mean or settings.std):
            raise UsageProblem(f"input {item.name} takes pixels as they are (uint8); leave --mean and --std out.")
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


class _Outputs(NamedTuple):
    """What a module gives; `inputs` are those that it ran on, with the least integers that it takes."""

    inputs: tuple[InputSpec, ...]
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]


def _try_once(module: Any, inputs: tuple[InputSpec, ...], settings: ModelSettings, spec: str) -> _Outputs:
    """Run `module` on zeros, or where integers must be above 0 (lengths) on ones; an error says that shapes misfit."""
    ones = tuple(item.model_copy(update={"least": 1}) if item.dtype != "float32" else item for item in inputs)
    try:
        results, taken = _run_on_least(module, inputs), inputs
    except Exception as error:
        try:
            results, taken = _run_on_least(module, ones), ones
        except Exception:  # noqa: BLE001 - the first error is the one that says what is wrong
            results = []
        if ones == inputs or not results:
            shapes = ", ".join(f"{item.name} {list(item.shape)}" for item in inputs)
            raise UsageProblem(
                f"model {spec} does not run on inputs {shapes}: {first_line(error)}\n"
                "Give the right shape with --input-shape."
            ) from error
    paths = [path for path, _ in results]
    if not paths:
        raise UsageProblem(f"model {spec} gives no tensors.")
    if settings.outputs and len(settings.outputs) != len(paths):
        raise UsageProblem(f"model {spec} has {len(paths)} outputs; {len(settings.outputs)} names were given.")
    names = settings.outputs or output_names(paths, [item.name for item in taken])
    return _Outputs(taken, names, tuple(tuple(tensor.shape) for _, tensor in results))


def _run_on_least(module: Any, inputs: tuple[InputSpec, ...]) -> list[tuple[tuple[str, ...], Any]]:
    torch = load_torch()
    with torch.no_grad():
        given = [torch.full(item.shape, item.least, dtype=getattr(torch, item.dtype)) for item in inputs]
        return list(named_tensors(module(*given)))


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
    from exporter.sources import onnx_files

    path = Path(spec)
    model = onnx_files.read_model(path)
    known = onnx_files.input_settings(model, spec, settings)
    if settings.layout is None and any(onnx_files.image_layout(item.shape) == "NHWC" for item in known):
        settings = settings.model_copy(update={"layout": "NHWC"})
    inputs = _input_specs(spec, settings.model_copy(update={"inputs": ()}), known, None)
    labels = read_labels(settings.labels) if settings.labels else ()
    outputs = tuple(value.name for value in model.graph.output)
    shapes = onnx_files.output_shapes(model, path, inputs)
    if settings.labels:
        check_label_count(str(settings.labels), labels, outputs[0], shapes[0])
    digest = hashlib.sha256("\0".join(item.model_dump_json() for item in inputs).encode())
    digest.update("".join(given_digest(file) for file in source_files(SourceKind.ONNX, path)).encode())
    weights = [value for _, value in onnx_files.weights(model)]
    description = SourceDescription(
        spec=spec,
        kind=SourceKind.ONNX,
        digest=digest.hexdigest(),
        inputs=inputs,
        outputs=outputs,
        output_shapes=shapes,
        labels=labels,
        parameters=sum(value.size for value in weights),
        size_bytes=sum(value.nbytes for value in weights),
    )
    return ModelSource(description, settings, None, path)
