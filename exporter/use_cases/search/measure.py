"""Sensitivities of a model's layers, measured apart in as many processes as there are cores."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.data.errors import UsageProblem
from exporter.data.facts.storage import Sensitivities, Storage, WeightFacts
from exporter.data.progress import Progress
from exporter.data.settings.target import Target
from exporter.formats.registry import format_named
from exporter.store.cache import cache_root_here, open_cache
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.recipes import module_of
from exporter.use_cases.job.request import RunRequest


@dataclass(frozen=True)
class Part:
    """A share of the layers.

    Attributes:
        run: names model and data.
        targets: whose formats say how weights can be stored.
        index: of this part.
        parts: that the layers are dealt out to.
        seed: of the probes.
    """

    run: RunRequest
    targets: tuple[Target, ...]
    index: int
    parts: int
    seed: int = 0


def measure(part: Part, progress: Progress) -> Sensitivities:
    """Load the model, fold its batch norms, and probe every storage of the part's layers.

    Raises:
        UsageProblem: the source has no module, or data cannot be read.
    """
    from exporter.compression.data import compression_data
    from exporter.compression.forms.folding import fold_batch_norms
    from exporter.compression.model import own_copy
    from exporter.search.activations import activation_errors
    from exporter.search.sensitivity import Judged, output_errors
    from exporter.search.storages import changes, weights_of

    model = ModelAtHand(part.run, open_cache(cache_root_here(part.run.cache_root), progress.note), progress)
    module = own_copy(module_of(model.source))
    fold_batch_norms(module)
    weights = weights_of(module)
    if not weights:
        raise UsageProblem(
            f"model {part.run.spec} has no convolution or linear layer that can be told apart (a .pt2 file holds "
            "operators, not layers): give the module that it was made of."
        )
    own = list(weights)[part.index :: part.parts]
    storages = {layer: _storages(part.targets, weights[layer]) for layer in own}
    data = compression_data(model.calibration, None, part.run.calibration_samples)
    with progress.stage("Rounding each layer in every storage") as advance:
        listed = {layer: list(given.values()) for layer, given in storages.items()}
        made = changes(module, listed, data.calibration, part.seed, advance)
    with progress.stage("Measuring how much each layer bears") as advance:
        judged: Judged = "classes" if _of_classes(model) else "values"
        found = output_errors(module, data.calibration, made, judged, part.seed, advance)
    integers = [layer for layer, given in storages.items() if any(map(_reads_integers, given.values()))]
    with progress.stage("Measuring how much int8 inputs of each layer cost") as advance:
        read = activation_errors(module, data.calibration, integers, judged, part.seed, advance) if integers else {}
    if not all(math.isfinite(error) for given in found.values() for error in given):
        raise UsageProblem(f"model {part.run.spec} gives NaN or infinity on the calibration data.")
    errors = {layer: _errors(storages[layer], found.get(layer, ()), read.get(layer, 0.0)) for layer in own}
    return Sensitivities(weights=tuple(weights.values()), errors=errors)


def _errors(storages: Mapping[str, Storage], found: Sequence[float], read: float) -> dict[str, float]:
    """Of each storage by name: what the weight's change does, and integer inputs where it has them."""
    pairs = zip(storages.items(), found, strict=False)
    return {name: error + (read if _reads_integers(storage) else 0.0) for (name, storage), error in pairs}


def _reads_integers(storage: Storage) -> bool:
    return storage.activations != "float"


def _of_classes(model: ModelAtHand) -> bool:
    """Whether the first output holds scores of classes: by its task, else by its shape."""
    if model.settings.task is not None:
        return model.settings.task.ranked in ("", model.description.outputs[0])
    shape = model.description.output_shapes[0]
    return len(shape) == 2 and shape[1] > 1


def _storages(targets: Sequence[Target], weight: WeightFacts) -> dict[str, Storage]:
    """Every way in which a variant of a target can store it, by name."""
    found = {}
    for target in targets:
        for variant in format_named(target.format).variants(target):
            for storage in variant.storages(weight) if variant.storages else ():
                found[storage.name] = storage
    return found
