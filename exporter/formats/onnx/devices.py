"""ONNX files on devices: ONNX Runtime in a process of this machine."""

from pathlib import Path

from exporter.formats.common.here import DevicesHere
from exporter.formats.devices import Port
from exporter.formats.onnx.host import OnnxRuntimeInProcess


def _ports(model: Path) -> tuple[Port, ...]:
    from exporter.formats.onnx.inspection.reader import inspect_onnx

    return tuple(Port(one.name, one.name, one.dtype, one.shape) for one in inspect_onnx(model).inputs)


DEVICES = DevicesHere(subject="an ONNX file", runner=OnnxRuntimeInProcess, find_ports=_ports)
