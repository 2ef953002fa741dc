"""Which class of transformers a configuration and a HEAD name."""

from dataclasses import dataclass
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.data.spelling import nearest

_AUTO = "AutoModel"


@dataclass(frozen=True)
class Head:
    """A class, what it is built of, and the part of it that is taken.

    Attributes:
        kind: class of ``transformers.PreTrainedModel``.
        config: of its own type.
        part: dotted name of a submodule, such as ``encoder``; empty takes the whole.
    """

    kind: Any
    config: Any
    part: str = ""


def head_of(transformers: Any, config: Any, head: str, spec: str) -> Head:
    """The head that `head` names: ``ForTokenClassification``, a class, or a part of the base model (``encoder``).

    Args:
        config: of the whole model.
        head: empty takes the class that the configuration says its weights are of, else the base model.
        spec: the MODEL argument, for messages.

    Raises:
        UsageProblem: the model has no such head.
    """
    head = head or (config.architectures or ["Model"])[0]
    if head == "Model" or head.startswith("For"):
        found = _auto(transformers, config, head.removeprefix("Model"))
        if found is None:
            raise _none(transformers, config, head, spec)
        return Head(found, config)
    kind = getattr(transformers, head, None) if head[0].isupper() else None
    if isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel):
        return Head(kind, _own_config(config, kind, spec))
    base = _auto(transformers, config, "")
    if base is None or not head[0].islower():
        raise _none(transformers, config, head, spec)
    return Head(base, config, head)


def part_of(module: Any, head: Head, spec: str) -> Any:
    """The part of the loaded `module` that the head takes: a model of its own, and not a layer in it.

    Raises:
        UsageProblem: it has none of this name.
    """
    if not head.part:
        return module
    parts = {name: part for name, part in module.named_modules() if name and hasattr(part, "main_input_name")}
    if head.part not in parts:
        raise UsageProblem(
            f"model {spec}: a {type(module).__name__} has no part {head.part} that is a model of its own; it has "
            f"{', '.join(parts) or 'none: leave it out, or name a head'}."
        )
    return parts[head.part]


def _auto(transformers: Any, config: Any, head: str) -> Any | None:
    """The class that the library's own table has for this kind of configuration."""
    auto = getattr(transformers, f"{_AUTO}{head}", None)
    if auto is None or type(config) not in auto._model_mapping:
        return None
    found = auto._model_mapping[type(config)]
    return found[0] if isinstance(found, list | tuple) else found


def _own_config(config: Any, kind: Any, spec: str) -> Any:
    """`config`, or the part of it that is of the class: a CLIP model's configuration holds one for each tower."""
    own = kind.config_class
    if isinstance(config, own):
        return config
    part = getattr(config, getattr(own, "base_config_key", "") or "", None)
    if isinstance(part, own):
        return part
    raise UsageProblem(f"model {spec}: {kind.__name__} is not for a {config.model_type} model.")


def _none(transformers: Any, config: Any, head: str, spec: str) -> UsageProblem:
    known = [
        name.removeprefix(_AUTO)
        for name in dir(transformers)
        if name.startswith(f"{_AUTO}For") and _auto(transformers, config, name.removeprefix(_AUTO)) is not None
    ]
    near = nearest(head, known)
    hint = f" Did you mean {near}?" if near else ""
    return UsageProblem(
        f"model {spec}: a {config.model_type} model has no head {head}.{hint} It has Model, {', '.join(known)}; a "
        "class of transformers and a part of the base model, such as encoder, can be named too."
    )
