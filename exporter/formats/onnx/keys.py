"""Keys of an ONNX file's metadata under which this program keeps what it says of the model."""

LABELS = "labels"
IMAGES = "images"
"""How pictures become inputs (`exporter.formats.common.pictures`)."""
AUTHORSHIP = ("author", "license", "version")
LARGEST_SHAPES = "largest_shapes"
"""Of flexible inputs, by name, as JSON."""
