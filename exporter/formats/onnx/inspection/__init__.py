"""What is inside an ONNX file."""
