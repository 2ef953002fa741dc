"""The inputs of a .tflite's signature, by the names that people and programs know them by."""

from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.formats.devices import Port
from exporter.formats.tflite.inspection.flatbuffer import Flatbuffer
from exporter.formats.tflite.inspection.structure import check_tflite_bytes
from exporter.formats.tflite.inspection.tables import Model, read_model


def input_ports(model: Path, signature: str | None) -> tuple[Port, ...]:
    """The inputs in the order in which the runtime takes them.

    Raises:
        UsageProblem: damaged, or no such signature; the message names those that it has.
    """
    content = memoryview(model.read_bytes())
    check_tflite_bytes(content)
    read = read_model(content)
    reader = Flatbuffer(content, {})
    signatures = {reader.text(place, 2): place for place in reader.members(reader.root(), 7)}
    if signature is None:
        first = next(iter(signatures.values()), None)
        graph = 0
        names = _names(reader, first) if first is not None and reader.scalar(first, 4, "<I") == 0 else {}
        return _ports(read, graph, names)
    if signature not in signatures:
        has = ", ".join(signatures) or "none"
        raise UsageProblem(f"--signature {signature}: {model.name} has no such signature; it has {has}.")
    place = signatures[signature]
    return _ports(read, reader.scalar(place, 4, "<I"), _names(reader, place))


def _names(reader: Flatbuffer, signature: int) -> dict[int, str]:
    """What the signature calls its inputs, by the tensor's number."""
    return {reader.scalar(place, 1, "<I"): reader.text(place, 0) for place in reader.members(signature, 0)}


def _ports(model: Model, graph: int, names: dict[int, str]) -> tuple[Port, ...]:
    read = model.graphs[graph]
    tensors = [(index, read.tensors[index]) for index in read.inputs]
    return tuple(Port(one.name, names.get(index, one.name), one.dtype, one.signature) for index, one in tensors)
