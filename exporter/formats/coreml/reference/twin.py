"""Comparing the weights of a compressed file with its uncompressed twin: what became larger, and what was skipped.

coremltools leaves a weight as it is without a word when it is small, when groups or blocks do not divide its
channels, or when its operation is of a type that it does not compress; and grouped tables can take more bytes than
the weight itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from exporter.formats.coreml.reference.files.blobs import stored_bytes
from exporter.formats.coreml.reference.files.package import read_model_file
from exporter.formats.coreml.reference.model import ReferenceModel
from profilers.decibels import snr_db

_COUNTED = 256  # bytes; less is a bias or a setting, not a weight


@dataclass(frozen=True)
class WeightChange:
    """One constant operand of an operation, in the file and in its twin.

    Attributes:
        operation: name of the operation's first output, the same in both.
        op_type: MIL's name of the operation.
        operand: name of its input.
        before_bytes: stored for it in the twin.
        after_bytes: stored for it in the compressed file, tables, scales, masks and offsets included.
        form: the operations that decompress it, joined by ``+``; empty when it is stored as it is.
        snr_db: power of the twin's values over that of the difference, for an operation's ``weight``; infinite when
            equal.
    """

    operation: str
    op_type: str
    operand: str
    before_bytes: int
    after_bytes: int
    form: str
    snr_db: float | None

    @property
    def outcome(self) -> Literal["smaller", "skipped", "larger"]:
        """``larger`` when compression made it so, ``skipped`` when it was left as it was."""
        if self.after_bytes > self.before_bytes:
            return "larger"
        return "smaller" if self.form and self.after_bytes < self.before_bytes else "skipped"


def compare_with_twin(compressed: Path | str, twin: Path | str) -> list[WeightChange]:
    """Every weight that both files have, in the order of the program.

    Args:
        compressed: a package.
        twin: the same program without compression.
    """
    after, before = _operands(compressed), _operands(twin)
    values, originals = ReferenceModel(compressed).weights(), ReferenceModel(twin).weights()
    changes = []
    for key, (op_type, size, form) in after.items():
        if key not in before or before[key][1] < _COUNTED:
            continue
        operation, operand = key
        known = operand == "weight" and operation in values and operation in originals
        snr = snr_db(originals[operation], values[operation]) if known else None
        changes.append(WeightChange(operation, op_type, operand, before[key][1], size, form, snr))
    return changes


def _operands(path: Path | str) -> dict[tuple[str, str], tuple[str, int, str]]:
    """Type, stored bytes and decompressing operations of every constant operand, by operation and input."""
    found: dict[tuple[str, str], tuple[str, int, str]] = {}
    for function in read_model_file(path).specification.mlProgram.functions.values():
        producers: dict[str, Any] = {}
        for operation in function.block_specializations[function.opset].operations:
            producers.update({output.name: operation for output in operation.outputs})
            if operation.type == "const" or operation.type.startswith("constexpr_"):
                continue
            for name, argument in operation.inputs.items():
                chains = [_chain(binding, producers) for binding in argument.arguments]
                if chains and all(chain is not None for chain in chains):
                    size = sum(size for chain in chains if chain for size, _ in chain)
                    forms = dict.fromkeys(form for chain in chains if chain for _, form in chain if form)
                    found[operation.outputs[0].name, name] = (operation.type, size, "+".join(forms))
    return found


def _chain(binding: Any, producers: dict[str, Any]) -> list[tuple[int, str]] | None:
    """Bytes and operations of everything constant behind an operand; None when it is computed."""
    if binding.WhichOneof("binding") == "value":
        return [(stored_bytes(binding.value), "")]
    operation = producers.get(binding.name)
    if operation is None or not (operation.type == "const" or operation.type.startswith("constexpr_")):
        return None
    parts = [(stored_bytes(value), "") for key, value in operation.attributes.items() if key != "name"]
    if operation.type != "const":
        parts.append((0, operation.type.removeprefix("constexpr_")))
    for inner in _bindings(operation):
        parts += _chain(inner, producers) or []
    return parts


def _bindings(operation: Any) -> Iterator[Any]:
    for argument in operation.inputs.values():
        yield from argument.arguments
