"""A PyTorch model in; verified, gated and measured artifacts for phones out."""

__version__ = "0.2.0"
