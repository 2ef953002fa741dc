"""A PyTorch model in; verified, gated and measured Core ML and TFLite artifacts out."""

__version__ = "0.1.0"
