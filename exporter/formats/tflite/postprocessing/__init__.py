"""TFLite: Decoding and non-maximum suppression inside the file."""
