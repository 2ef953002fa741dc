"""Chooses the values of quantized weights by what they do to the outputs of their layers."""
