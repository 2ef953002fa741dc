"""Keys of an ONNX file's metadata under which this program keeps what it says of the model."""

LABELS = "labels"
AUTHORSHIP = ("author", "license", "version")
LARGEST_SHAPES = "largest_shapes"
"""Of flexible inputs, by name, as JSON."""
