"""From a torch module to a described source: inputs, one run, labels, digest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from exporter.data.base import JsonMapping
from exporter.data.errors import UsageProblem, first_line
from exporter.data.facts.hints import CompressionHints
from exporter.data.facts.source import ImageSpec, InputSpec, SourceDescription, SourceKind
from exporter.data.settings.model import InputSettings, ModelSettings
from exporter.data.settings.task import Resize
from exporter.execution.heavy import load_torch
from exporter.sources.digests import source_digest
from exporter.sources.inputs import check_carried, input_specs
from exporter.sources.labels import Names, given_names, known_names
from exporter.sources.libraries.licenses import license_notes
from exporter.sources.outputs import named_tensors, output_names
from exporter.sources.sizes import try_sizes
from exporter.sources.source import ModelSource
from exporter.sources.weights import load_state


@dataclass(frozen=True)
class Found:
    """A module, and what its kind of source knows of it.

    Attributes:
        module: in eval mode.
        inputs: as its file or its weights say.
        image: how its weights want pixels.
        labels: of its weights.
        task: how its outputs are read, as the library says; empty where it does not.
        resize: how images of another size were fitted in its training.
        license: of its weights.
        notes: what a person should know of it, in sentences.
        hints: that compression left.
        identity: what decides the model besides its tensors; a digest of its file.
        carried: input -> output that the next call is given for it; empty for models that are no step of a sequence.
        counter: the input that counts the calls of a sequence.
        is_code: whether Python code that may change decides what it computes.
        has_weights: whether its kind has seen to the user's weights.
        saved: the tensors that count for its size; None takes its state dict.
    """

    module: Any
    inputs: tuple[InputSettings, ...] = ()
    image: ImageSpec | None = None
    labels: tuple[str, ...] = ()
    task: JsonMapping = field(default_factory=dict)
    resize: Resize | None = None
    license: str = ""
    notes: tuple[str, ...] = ()
    hints: CompressionHints = field(default_factory=CompressionHints)
    identity: str | None = None
    carried: Mapping[str, str] = field(default_factory=dict)
    counter: str = ""
    is_code: bool = False
    has_weights: bool = False
    saved: Sequence[Any] | None = None


def from_module(kind: SourceKind, spec: str, settings: ModelSettings, found: Found) -> ModelSource:
    """The source of `found`, whose inputs and outputs are found out by running it once.

    Raises:
        UsageProblem: weights that do not fit, NaN weights, or shapes that it does not run on.
    """
    module = found.module
    if not found.has_weights and settings.weights not in (None, "none"):
        load_state(module, Path(str(settings.weights)))
    _refuse_not_finite(module, spec)
    carried = settings.carried or found.carried
    specs = input_specs(spec, settings, found.inputs, found.image, carried)
    if any(item.dtype == "uint8" for item in specs):
        raise UsageProblem(f"model {spec}: inputs of uint8 are for ONNX files; let the model take float32 pixels.")
    inputs, outputs, shapes = _try_once(module, specs, settings, spec)
    try_sizes(inputs, lambda sized: [tensor for _, tensor in _run_on_least(module, sized)], len(shapes), spec)
    names = _names(settings, found, outputs[0], shapes[0])
    counter = settings.counter or found.counter
    check_carried(spec, inputs, dict(zip(outputs, shapes, strict=True)), carried, counter)
    saved = list(module.state_dict().values()) if found.saved is None else found.saved
    description = SourceDescription(
        spec=spec,
        kind=kind,
        digest=source_digest(module, inputs, identity=found.identity, is_code=found.is_code),
        inputs=inputs,
        outputs=outputs,
        output_shapes=shapes,
        labels=names.labels,
        classes=names.classes,
        carried=dict(carried),
        counter=counter,
        task=found.task,
        resize=found.resize,
        license=found.license,
        notes=(*found.notes, *license_notes(spec, settings.license or found.license), *names.notes),
        parameters=sum(tensor.numel() for tensor in saved),
        size_bytes=sum(tensor.numel() * tensor.element_size() for tensor in saved),
    )
    return ModelSource(description, settings, module, hints=found.hints)


def _names(settings: ModelSettings, found: Found, output: str, shape: tuple[int, ...]) -> Names:
    """Class names, the user's before those that the weights bring."""
    has_task = settings.task is not None or bool(found.task)
    if settings.labels:
        return given_names(settings.labels, output, shape, has_task=has_task)
    return known_names(found.labels, shape, has_task=has_task)


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


def _run_on_least(module: Any, inputs: Sequence[InputSpec]) -> list[tuple[tuple[str, ...], Any]]:
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
