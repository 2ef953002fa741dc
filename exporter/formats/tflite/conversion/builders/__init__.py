"""From ONNX to a float32 flatbuffer: one module a way."""
