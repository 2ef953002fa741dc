"""Zeros in weights: single ones and patterns, at once or during a training."""
