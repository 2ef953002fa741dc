"""Regression: numbers."""
