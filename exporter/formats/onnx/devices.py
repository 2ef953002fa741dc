"""ONNX files on devices: ONNX Runtime in a process of this machine."""

from exporter.formats.common.here import DevicesHere
from exporter.formats.onnx.host import OnnxRuntimeInProcess

DEVICES = DevicesHere(subject="an ONNX file", runner=OnnxRuntimeInProcess)
