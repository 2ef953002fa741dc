"""A source to an ONNX file for ONNX Runtime."""
