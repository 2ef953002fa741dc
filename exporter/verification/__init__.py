"""Outputs and accuracy of an artifact against its source."""
