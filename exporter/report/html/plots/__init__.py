"""Drawings of pages: coordinates of axes and marks; templates draw them."""
