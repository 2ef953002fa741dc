"""Depth: how far each pixel is."""
