"""ONNX: Decoding and non-maximum suppression inside the file."""
