"""A source to a Core ML package. These modules import coremltools; import them late."""
