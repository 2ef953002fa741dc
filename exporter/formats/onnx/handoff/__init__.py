"""ONNX files in apps."""
