"""TFLite (LiteRT)."""
