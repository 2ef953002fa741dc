"""A loaded source as the formats want it: traced once, rewritten, also as ONNX."""
